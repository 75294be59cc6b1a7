namespace StdioBus;

/// <summary>The requests of one worker to one handler: some at work, some waiting in order, no more.</summary>
internal sealed class HandlerLane(int maxConcurrent, int maxQueue)
{
    private readonly object _gate = new();
    private readonly Queue<WorkerCall> _waiting = new();
    private int _running;

    /// <summary>Lets a request in: it runs now, or waits. False when there is no room.</summary>
    public bool TryEnter(WorkerCall call)
    {
        lock (_gate)
        {
            if (_running >= maxConcurrent)
            {
                if (_waiting.Count >= maxQueue)
                    return false;
                _waiting.Enqueue(call);
                return true;
            }

            _running++;
        }

        ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
        return true;
    }

    /// <summary>A request is done with: the next one that somebody still waits for has its turn.</summary>
    public void Leave()
    {
        WorkerCall? next;
        lock (_gate)
        {
            do
            {
                if (_waiting.TryDequeue(out next))
                    continue;
                _running--;
                return;
            }
            while (next!.IsOver);
        }

        ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
    }
}
