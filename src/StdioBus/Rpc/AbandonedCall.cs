namespace StdioBus;

/// <summary>
/// A request that was given up and that its worker still has to answer, so may still speak of. The table's alone, but for
/// what does not change.
/// </summary>
internal sealed class AbandonedCall
{
    // After as long a silence a stream is given up, too, unless it is told otherwise.
    private const long Patience = 30_000;

    private readonly string? _routeSession;
    private readonly string? _paramsSession;
    private int _isTold;

    public AbandonedCall(PendingCall call, long now)
    {
        Id = call.Id;
        Method = call.Method;
        HasOwnKey = call.HasOwnKey;
        Worker = call.Worker;
        IsSent = call.IsSent;
        HeardAt = now;
        _routeSession = call.RouteSession;
        _paramsSession = call.ParamsSession;
    }

    public long Id { get; }

    public string Method { get; }

    /// <summary>See <see cref="PendingCall.HasOwnKey"/>.</summary>
    public bool HasOwnKey { get; }

    /// <summary>The worker that has it; -1 when that is not known.</summary>
    public int Worker { get; set; }

    /// <summary>Whether the kernel has it.</summary>
    public bool IsSent { get; set; }

    /// <summary>When something came that could be of no other call; at first, when it was given up.</summary>
    public long HeardAt { get; set; }

    /// <summary>Whether a session is its own.</summary>
    public bool IsOf(string session) => _routeSession == session || _paramsSession == session;

    /// <summary>
    /// Whether what may be of this call or of a later one is taken for this one's. Not for ever: a worker that never answers
    /// what it was told to leave would silence all that come after.
    /// </summary>
    public bool HoldsBack(long now) => now - HeardAt < Patience;

    /// <summary>True once.</summary>
    public bool IsToBeTold() => Interlocked.Exchange(ref _isTold, 1) == 0;
}
