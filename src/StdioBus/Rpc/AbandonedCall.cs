namespace StdioBus;

/// <summary>
/// A request that was given up and that its worker still has to answer, so may still speak of. The table's alone, but for
/// what does not change.
/// </summary>
internal sealed class AbandonedCall
{
    // After as long a silence a stream is given up, too, unless it is told otherwise.
    private const long Patience = 30_000;

    // Who was told to leave it, and honours that, answers at once.
    private const long PatienceOfTold = 5_000;

    private readonly string? _routeSession;
    private readonly string? _paramsSession;
    private readonly bool _isToldToWorker;
    private long _heardAt;
    private long _lastBefore;
    private bool _hasSpoken;
    private int _isLogged;

    /// <param name="call">The call.</param>
    /// <param name="isTold">Whether the worker was told to leave it.</param>
    /// <param name="lastId">The number of the bus's last request so far.</param>
    /// <param name="now">The time.</param>
    public AbandonedCall(PendingCall call, bool isTold, long lastId, long now)
    {
        Id = call.Id;
        Method = call.Method;
        HasOwnKey = call.HasOwnKey;
        Worker = call.Worker;
        IsSent = call.IsSent;
        _isToldToWorker = isTold;
        _hasSpoken = call.HasSpoken;
        _heardAt = now;
        _lastBefore = isTold ? lastId : call.Id;
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

    /// <summary>Whether a session is its own.</summary>
    public bool IsOf(string session) => _routeSession == session || _paramsSession == session;

    /// <summary>Something came that could be of no other call.</summary>
    public void Heard(long lastId, long now)
    {
        _hasSpoken = true;
        _heardAt = now;
        _lastBefore = lastId;
    }

    /// <summary>
    /// Whether what may be of this call or of a later one is taken for this one's. Not for ever: a worker that never answers
    /// what it was told to leave would silence all that come after. One that answers later requests and not this one serves
    /// several at a time, or has left this one: of a call that it was told of, or that never said anything, the latter.
    /// </summary>
    /// <param name="lastAnswered">The youngest request that the worker has answered.</param>
    /// <param name="now">The time.</param>
    public bool HoldsBack(long lastAnswered, long now)
    {
        bool isPassedOver = lastAnswered > _lastBefore;
        if (isPassedOver && (_isToldToWorker || !_hasSpoken))
            return false;
        return now - _heardAt < (_isToldToWorker ? PatienceOfTold : Patience);
    }

    /// <summary>True once.</summary>
    public bool IsToBeLogged() => Interlocked.Exchange(ref _isLogged, 1) == 0;
}
