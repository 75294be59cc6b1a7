using System.Diagnostics.CodeAnalysis;

namespace StdioBus;

/// <summary>A bounded queue of what workers send. It ends with a reason, and what it holds then can still be taken.</summary>
public abstract class Subscription : IDisposable
{
    private int _endReason;
    private long _delivered;
    private long _dropped;

    private protected Subscription(Bus bus, int id, SubscriptionOptions options)
    {
        Bus = bus;
        Id = id;
        Pool = options.Pool;
        Method = options.Method;
        MaxQueue = options.MaxQueue;
        Overflow = options.Overflow;
    }

    /// <summary>Its number in its bus, from 1.</summary>
    public int Id { get; }

    /// <summary>Its bus.</summary>
    public Bus Bus { get; }

    /// <summary>The pool it hears; null for all.</summary>
    public string? Pool { get; }

    /// <summary>The methods it hears, with wildcards; null for all.</summary>
    public string? Method { get; }

    /// <summary>How many it keeps.</summary>
    public int MaxQueue { get; }

    /// <summary>What happens to the next one when it is full.</summary>
    public OverflowPolicy Overflow { get; }

    /// <summary>How many wait to be taken.</summary>
    public abstract int Count { get; }

    /// <summary>How many were taken.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>How many were dropped because it was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether nothing more will come; it may still hold some.</summary>
    public bool IsClosed => EndReason != SubscriptionEndReason.None;

    /// <summary>Why it ended.</summary>
    public SubscriptionEndReason EndReason => (SubscriptionEndReason)Volatile.Read(ref _endReason);

    /// <summary>Waits until taking one is worth trying: true; false when it has ended and is empty.</summary>
    public abstract ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends it. What it holds can still be taken. Safe to repeat.</summary>
    public void Close() => End(SubscriptionEndReason.Closed);

    /// <summary>The same as <see cref="Close"/>.</summary>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>The filter and the id.</summary>
    public override string ToString() => $"Subscription {Id}: {Method ?? "*"} of {(Pool is null ? "all pools" : $"pool '{Pool}'")}";

    /// <summary>A worker's process ended.</summary>
    internal virtual void OnWorkerStopped(int workerId)
    {
    }

    internal void End(SubscriptionEndReason reason)
    {
        if (Interlocked.CompareExchange(ref _endReason, (int)reason, (int)SubscriptionEndReason.None) != (int)SubscriptionEndReason.None)
            return;
        OnEnd();
        Bus.Forget(this);
    }

    private protected abstract void OnEnd();

    private protected void CountDelivered() => Interlocked.Increment(ref _delivered);

    private protected void CountDropped() => Interlocked.Increment(ref _dropped);
}

/// <summary>A bounded queue of what workers send. Several readers may take from it; each item goes to one.</summary>
/// <typeparam name="T">What it holds.</typeparam>
public abstract class Subscription<T> : Subscription, IAsyncEnumerable<T>
    where T : class
{
    private readonly object _gate = new();
    private readonly EventQueue<T> _queue = new();
    private readonly HashSet<int> _blockedWorkers = [];
    private readonly WorkerFlow _flow;

    private protected Subscription(Bus bus, int id, SubscriptionOptions options, WorkerFlow flow)
        : base(bus, id, options)
    {
        _flow = flow;
    }

    /// <inheritdoc/>
    public override int Count => _queue.Count;

    /// <summary>Takes the oldest, without waiting.</summary>
    public bool TryRead([NotNullWhen(true)] out T? item)
    {
        while (_queue.TryDequeue(out T next, out int left))
        {
            if (left <= MaxQueue / 2)
                Unblock();
            if (!IsWanted(next))
                continue;
            CountDelivered();
            item = next;
            return true;
        }

        item = null;
        return false;
    }

    /// <inheritdoc/>
    public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _queue.WaitAsync(cancellationToken);

    /// <summary>Takes the oldest, waiting for one; null when it has ended and is empty.</summary>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (TryRead(out T? item))
                return item;
            if (!await _queue.WaitAsync(cancellationToken).ConfigureAwait(false))
                return null;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false) is { } item)
            yield return item;
    }

    /// <summary>Whether an item that was taken is for the reader; on the reader's thread.</summary>
    private protected virtual bool IsWanted(T item) => true;

    /// <summary>Takes an item in, as the policy has it; on the loop thread.</summary>
    /// <returns>Whether one was dropped, this or an older one.</returns>
    private protected bool Put(T item, int workerId)
    {
        bool dropped = false;
        bool isFull = _queue.Count >= MaxQueue;
        switch (Overflow)
        {
            case OverflowPolicy.DropNewest when isFull:
                dropped = true;
                break;
            case OverflowPolicy.DropOldest when isFull:
                dropped = _queue.TryDequeue(out _, out _);
                _queue.Enqueue(item);
                break;
            case OverflowPolicy.Close when isFull:
                dropped = true;
                End(SubscriptionEndReason.Overflow);
                break;
            case OverflowPolicy.Block:
                if (_queue.Enqueue(item) >= MaxQueue)
                    Block(workerId);
                break;
            default:
                _queue.Enqueue(item);
                break;
        }

        if (dropped)
            CountDropped();
        return dropped;
    }

    private protected override void OnEnd()
    {
        _queue.End();
        Unblock();
    }

    private void Block(int workerId)
    {
        lock (_gate)
        {
            // Taken or ended in the meantime: whoever did that found nothing to unblock.
            if (_queue.Count < MaxQueue || IsClosed || !_blockedWorkers.Add(workerId))
                return;
            _flow.Block(workerId, true);
        }
    }

    private void Unblock()
    {
        if (Overflow != OverflowPolicy.Block)
            return;
        lock (_gate)
        {
            foreach (int worker in _blockedWorkers)
                _flow.Block(worker, false);
            _blockedWorkers.Clear();
        }
    }
}
