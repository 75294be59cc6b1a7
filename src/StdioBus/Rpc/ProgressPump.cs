namespace StdioBus;

/// <summary>Hands the notifications of one request to its caller's callback: in order, one at a time, on the thread pool.</summary>
/// <remarks>Its own lock guards it: nobody outside has the object. Most requests have no notification, and then it is no more than itself.</remarks>
internal sealed class ProgressPump(Action<BusNotification> callback, JsonReader reader, BusLog log) : IThreadPoolWorkItem
{
    private Queue<ReceivedMessage>? _waiting;
    private TaskCompletionSource? _idle;
    private bool _running;

    /// <summary>Queues a notification; on the loop thread.</summary>
    public void Post(ReceivedMessage message)
    {
        lock (this)
        {
            (_waiting ??= new Queue<ReceivedMessage>()).Enqueue(message);
            if (_running)
                return;
            _running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Ends when the callback has seen everything queued so far.</summary>
    public Task WhenIdle()
    {
        lock (this)
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
            lock (this)
            {
                if (!_waiting!.TryDequeue(out message))
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
                log.Add(BusLogLevel.Error, null, $"{nameof(RequestOptions.OnProgress)} threw: {error}");
            }
        }
    }
}
