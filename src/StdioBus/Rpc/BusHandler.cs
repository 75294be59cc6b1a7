namespace StdioBus;

/// <summary>
/// A handler of requests that workers send, as it is registered. Disposing it ends the registration; requests that it
/// has are still answered.
/// </summary>
public sealed class BusHandler : IDisposable
{
    private readonly HandlerSet _set;
    private readonly Dictionary<int, HandlerLane> _lanes = [];
    private long _handled;
    private long _failed;

    internal BusHandler(Bus bus, HandlerSet set, int id, string method, Func<BusRequest, CancellationToken, Task<object?>> handler, HandlerOptions options)
    {
        _set = set;
        Bus = bus;
        Id = id;
        Method = method;
        Pool = options.Pool;
        MaxConcurrent = options.MaxConcurrent;
        MaxQueue = options.MaxQueue;
        Handler = handler;
        Reader = options.Reader ?? JsonElements.Reader;
    }

    /// <summary>Its number in its bus, from 1.</summary>
    public int Id { get; }

    /// <summary>Its bus.</summary>
    public Bus Bus { get; }

    /// <summary>The methods it answers; <c>*</c> and <c>?</c> are wildcards.</summary>
    public string Method { get; }

    /// <summary>The pool it answers; null for all.</summary>
    public string? Pool { get; }

    /// <summary>How many requests of one worker it works on at once.</summary>
    public int MaxConcurrent { get; }

    /// <summary>How many more requests of one worker wait for their turn.</summary>
    public int MaxQueue { get; }

    /// <summary>How many requests it has answered with a result.</summary>
    public long Handled => Interlocked.Read(ref _handled);

    /// <summary>How many requests it has failed, or left to a cancellation.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    internal Func<BusRequest, CancellationToken, Task<object?>> Handler { get; }

    internal JsonReader Reader { get; }

    /// <summary>Ends the registration. Safe to repeat.</summary>
    public void Dispose() => _set.Remove(this);

    /// <summary>The method and the id.</summary>
    public override string ToString() => $"Handler {Id}: {Method} of {(Pool is null ? "all pools" : $"pool '{Pool}'")}";

    /// <summary>The lane of a worker's requests.</summary>
    internal HandlerLane LaneOf(int workerId)
    {
        lock (_lanes)
        {
            if (!_lanes.TryGetValue(workerId, out HandlerLane? lane))
                _lanes[workerId] = lane = new HandlerLane(MaxConcurrent, MaxQueue);
            return lane;
        }
    }

    /// <summary>A worker's process ended: what its successor asks does not wait behind it.</summary>
    internal void LeaveLane(int workerId)
    {
        lock (_lanes)
            _lanes.Remove(workerId);
    }

    internal void Count(bool handled) => Interlocked.Increment(ref handled ? ref _handled : ref _failed);
}
