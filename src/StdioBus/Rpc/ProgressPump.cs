namespace StdioBus;

/// <summary>Hands the notifications of one request to its caller's callback: in order, one at a time, on the thread pool.</summary>
internal sealed class ProgressPump(Action<BusNotification> callback, JsonReader reader, Action<Exception> onError) : IThreadPoolWorkItem
{
    private readonly object _gate = new();
    private readonly Queue<ReceivedMessage> _waiting = new();
    private TaskCompletionSource? _idle;
    private bool _running;

    /// <summary>Queues a notification; on the loop thread.</summary>
    public void Post(ReceivedMessage message)
    {
        lock (_gate)
        {
            _waiting.Enqueue(message);
            if (_running)
                return;
            _running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Ends when the callback has seen everything queued so far.</summary>
    public Task WhenIdle()
    {
        lock (_gate)
            return _running
                ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task
                : Task.CompletedTask;
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            ReceivedMessage? message;
            TaskCompletionSource? idle = null;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out message))
                {
                    _running = false;
                    idle = _idle;
                    _idle = null;
                }
            }

            if (message is null)
            {
                idle?.SetResult();
                return;
            }

            try
            {
                callback(new BusNotification(message, reader));
            }
            catch (Exception error)
            {
                onError(error);
            }
        }
    }
}
