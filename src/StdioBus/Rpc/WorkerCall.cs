namespace StdioBus;

/// <summary>A worker's request while its handler has it. Whoever takes it out of <see cref="WorkerRequests"/> answers it, once.</summary>
internal sealed class WorkerCall(WorkerRequests owner, BusHandler handler, BusRequest request, string key, PendingCall[] waiting) : IThreadPoolWorkItem
{
    // The calls it is for, as far as that can be told; null for one that was given up.
    private readonly PendingCall?[] _served = ServedBy(request, waiting);

    // Not disposed: it holds nothing but memory, and may be cancelled while its handler returns.
    private readonly CancellationTokenSource _cancelling = new();
    private volatile bool _isOver;

    public BusHandler Handler { get; } = handler;

    public BusRequest Request { get; } = request;

    /// <summary>Its id in the form in which equal ids are equal texts.</summary>
    public string Key { get; } = key;

    /// <summary>The calls that the worker had when it asked: it may be for them.</summary>
    public PendingCall[] Waiting { get; } = waiting;

    public HandlerLane Lane { get; } = handler.LaneOf(request.WorkerId);

    /// <summary>Where it waits for its turn; null when it does not. The lane's alone.</summary>
    internal LinkedListNode<WorkerCall>? Place { get; set; }

    public CancellationToken Token => _cancelling.Token;

    /// <summary>Whether nobody waits for its answer any more.</summary>
    public bool IsOver => _isOver;

    /// <summary>
    /// One of the bus's calls was given up. Whether it was for that one, and for none that goes on or was answered: then
    /// nobody needs what it asks for. Under the owner's lock.
    /// </summary>
    public bool IsMootWithout(PendingCall call)
    {
        int at = Array.IndexOf(_served, call);
        if (at < 0)
            return false;
        _served[at] = null;
        return Array.TrueForAll(_served, each => each is null);
    }

    /// <summary>It was taken out of the table.</summary>
    public void SetOver() => _isOver = true;

    /// <summary>Tells its handler to stop; what its callbacks do they do on the thread pool.</summary>
    public Task CancelAsync() => _cancelling.CancelAsync();

    void IThreadPoolWorkItem.Execute() => _ = owner.RunAsync(this);

    // Those of its session, if it names that of any; else it may be for each that the worker had.
    private static PendingCall[] ServedBy(BusRequest request, PendingCall[] waiting)
    {
        PendingCall[] ofSession = request.SessionId is { } session ? Array.FindAll(waiting, call => call.RouteSession == session || call.ParamsSession == session) : [];
        return ofSession.Length > 0 ? ofSession : [.. waiting];
    }
}
