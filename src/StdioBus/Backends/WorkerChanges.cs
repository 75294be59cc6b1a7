namespace StdioBus;

/// <summary>Who waits for the end of a worker's process, or for the one that follows it. Used on the loop thread only.</summary>
internal sealed class WorkerChanges
{
    private readonly List<(int Worker, bool Restart, TaskCompletionSource Reply)> _waiting = [];

    public void Add(int workerId, bool restart, TaskCompletionSource reply) => _waiting.Add((workerId, restart, reply));

    /// <summary>What is waited for will not come.</summary>
    public void Fail(int workerId, TaskCompletionSource reply, StdioBusException error)
    {
        _waiting.RemoveAll(one => one.Worker == workerId && one.Reply == reply);
        reply.SetException(error);
    }

    /// <summary>A worker's process came or went.</summary>
    public void OnWorker(int workerId, WorkerEvent change)
    {
        // A list of its own: it is empty, but for the moments in which somebody restarts or stops a worker.
        foreach ((int worker, bool restart, TaskCompletionSource reply) in _waiting.Where(one => one.Worker == workerId).ToArray())
        {
            switch (change)
            {
                case WorkerEvent.Started when restart:
                case WorkerEvent.Stopped or WorkerEvent.Restarting or WorkerEvent.Failed when !restart:
                    _waiting.Remove((worker, restart, reply));
                    reply.SetResult();
                    break;
                case WorkerEvent.Stopped:
                    Fail(worker, reply, new BusUnavailableException($"Worker {worker} was stopped while it was being restarted.") { WorkerId = worker });
                    break;
                case WorkerEvent.Failed:
                    Fail(worker, reply, new BusUnavailableException($"Worker {worker} does not start again: it has failed too often.") { WorkerId = worker });
                    break;
            }
        }
    }

    /// <summary>Nothing runs any more.</summary>
    public void OnEnded(string bus)
    {
        foreach ((int worker, bool restart, TaskCompletionSource reply) in _waiting.ToArray())
        {
            if (restart)
                Fail(worker, reply, new BusTransportException($"The bus '{bus}' ended while worker {worker} was being restarted.") { WorkerId = worker });
            else
                reply.SetResult();
        }

        _waiting.Clear();
    }
}
