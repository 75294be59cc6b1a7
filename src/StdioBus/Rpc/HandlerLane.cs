namespace StdioBus;

/// <summary>The requests of one worker to one handler: some at work, some waiting in order, no more.</summary>
internal sealed class HandlerLane(int maxConcurrent, int maxQueue)
{
    private readonly object _gate = new();
    private readonly LinkedList<WorkerCall> _waiting = new();
    private int _running;

    /// <summary>Lets a request in: it runs now, or waits. False when there is no room.</summary>
    public bool TryEnter(WorkerCall call)
    {
        lock (_gate)
        {
            // Taken back before it was here, it is not taken out any more.
            if (call.IsOver)
                return true;
            if (_running >= maxConcurrent)
            {
                if (_waiting.Count >= maxQueue)
                    return false;
                call.Place = _waiting.AddLast(call);
                return true;
            }

            _running++;
        }

        ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
        return true;
    }

    /// <summary>A request is over: if it waits, its place is free.</summary>
    public void TakeOut(WorkerCall call)
    {
        lock (_gate)
            RemoveLocked(call);
    }

    /// <summary>A request is done with: the next one has its turn.</summary>
    public void Leave()
    {
        WorkerCall next;
        lock (_gate)
        {
            if (_waiting.First is not { } first)
            {
                _running--;
                return;
            }

            next = first.Value;
            RemoveLocked(next);
        }

        ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
    }

    private void RemoveLocked(WorkerCall call)
    {
        if (call.Place is not { } place)
            return;
        _waiting.Remove(place);
        call.Place = null;
    }
}
