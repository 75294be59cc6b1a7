namespace StdioBus;

/// <summary>
/// Decides from which workers nothing is read for a while: those whose every call is a stream with a slow consumer,
/// and those that feed a full subscription which blocks. A worker that any other call waits on goes on being read.
/// </summary>
internal sealed class WorkerFlow(IBusBackend backend, CallTable calls, int workers)
{
    private readonly object _gate = new();
    private readonly HashSet<StreamCall> _fullStreams = [];
    private readonly PauseReasons[] _paused = new PauseReasons[workers];
    private readonly int[] _blockedBy = new int[workers];
    private volatile bool _hasFullStreams;

    /// <summary>A stream's queue is full.</summary>
    public void StreamFull(StreamCall stream)
    {
        lock (_gate)
        {
            _fullStreams.Add(stream);
            _hasFullStreams = true;
            ReviewStreams(stream.SourceWorker);
        }
    }

    /// <summary>A full stream has room again, or has ended.</summary>
    public void StreamRelieved(StreamCall stream)
    {
        lock (_gate)
        {
            _fullStreams.Remove(stream);
            _hasFullStreams = _fullStreams.Count > 0;
            ReviewStreams(stream.SourceWorker);
        }
    }

    /// <summary>Calls came or went: what was right for the full streams may not be any more.</summary>
    public void CallsChanged()
    {
        if (!_hasFullStreams)
            return;
        lock (_gate)
            foreach (StreamCall stream in _fullStreams)
                ReviewStreams(stream.SourceWorker);
    }

    /// <summary>A blocking subscription is full, or not any more, of what this worker sends.</summary>
    public void Block(int workerId, bool blocked)
    {
        if ((uint)workerId >= (uint)_paused.Length)
            return;
        lock (_gate)
        {
            _blockedBy[workerId] += blocked ? 1 : -1;
            Set(workerId, PauseReasons.Subscription, _blockedBy[workerId] > 0);
        }
    }

    /// <summary>Whether nothing is read from a worker, for whatever reason.</summary>
    public bool IsPaused(int workerId)
    {
        if ((uint)workerId >= (uint)_paused.Length)
            return false;
        lock (_gate)
            return _paused[workerId] != PauseReasons.None;
    }

    /// <summary>A worker's process ended, and with it the kernel's pauses; those still wanted are set for the next one.</summary>
    public void WorkerStarted(int workerId)
    {
        if ((uint)workerId >= (uint)_paused.Length)
            return;
        lock (_gate)
        {
            _paused[workerId] = PauseReasons.None;
            ReviewStreams(workerId);
            Set(workerId, PauseReasons.Subscription, _blockedBy[workerId] > 0);
        }
    }

    private void ReviewStreams(int workerId)
    {
        if ((uint)workerId >= (uint)_paused.Length)
            return;
        bool feedsFullStream = false;
        foreach (StreamCall stream in _fullStreams)
            feedsFullStream |= stream.SourceWorker == workerId;
        Set(workerId, PauseReasons.Stream, feedsFullStream && calls.HasOnlyFullStreams(workerId));
    }

    private void Set(int workerId, PauseReasons reason, bool paused)
    {
        if (_paused[workerId].HasFlag(reason) == paused)
            return;
        _paused[workerId] ^= reason;
        backend.SetPaused(workerId, reason, paused);
    }
}
