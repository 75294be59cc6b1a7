namespace StdioBus;

/// <summary>
/// A queue between the loop thread, which never waits, and any number of readers. Ending it keeps what it holds.
/// Readers continue on the thread pool, never on the writer's thread.
/// </summary>
internal sealed class EventQueue<T>
{
    private readonly object _gate = new();
    private readonly Queue<T> _items = new();
    private TaskCompletionSource<bool>? _waiter;
    private bool _ended;

    public int Count
    {
        get
        {
            lock (_gate)
                return _items.Count;
        }
    }

    public bool IsEnded
    {
        get
        {
            lock (_gate)
                return _ended;
        }
    }

    /// <summary>Appends; returns how many it holds then, or -1 when it has ended.</summary>
    public int Enqueue(T item)
    {
        TaskCompletionSource<bool>? waiter;
        int count;
        lock (_gate)
        {
            if (_ended)
                return -1;
            _items.Enqueue(item);
            count = _items.Count;
            waiter = TakeWaiter();
        }

        waiter?.SetResult(true);
        return count;
    }

    /// <summary>Takes the oldest.</summary>
    public bool TryDequeue(out T item, out int left)
    {
        lock (_gate)
        {
            bool any = _items.TryDequeue(out item!);
            left = _items.Count;
            return any;
        }
    }

    /// <summary>Ends it; false when it had ended.</summary>
    public bool End()
    {
        TaskCompletionSource<bool>? waiter;
        lock (_gate)
        {
            if (_ended)
                return false;
            _ended = true;
            waiter = TakeWaiter();
        }

        waiter?.SetResult(true);
        return true;
    }

    /// <summary>Waits until there is something to take: true. Ended and empty: false.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        while (true)
        {
            Task<bool> change;
            lock (_gate)
            {
                if (_items.Count > 0)
                    return true;
                if (_ended)
                    return false;
                _waiter ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                change = _waiter.Task;
            }

            await (cancellation.CanBeCanceled ? change.WaitAsync(cancellation) : change).ConfigureAwait(false);
        }
    }

    private TaskCompletionSource<bool>? TakeWaiter()
    {
        TaskCompletionSource<bool>? waiter = _waiter;
        _waiter = null;
        return waiter;
    }
}
