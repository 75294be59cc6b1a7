using System.Diagnostics.CodeAnalysis;

namespace StdioBus;

/// <summary>
/// A bounded queue of the notifications that match. Several readers may take from it; each notification goes to one.
/// It ends with a reason, and what it holds then can still be taken.
/// </summary>
public sealed class BusSubscription : IAsyncEnumerable<BusNotification>, IDisposable
{
    private readonly object _gate = new();
    private readonly EventQueue<BusNotification> _queue = new();
    private readonly HashSet<int> _blockedWorkers = [];
    private readonly Func<BusNotification, bool>? _predicate;
    private readonly JsonReader _reader;
    private readonly WorkerFlow _flow;
    private int _sessionWorker = -1;
    private long _delivered;
    private long _dropped;
    private int _endReason;

    internal BusSubscription(Bus bus, int id, SubscriptionOptions options, WorkerFlow flow)
    {
        Bus = bus;
        Id = id;
        Pool = options.Pool;
        Method = options.Method;
        SessionId = options.SessionId;
        MaxQueue = options.MaxQueue;
        Overflow = options.Overflow;
        _predicate = options.Predicate;
        _reader = options.Reader ?? JsonElements.Reader;
        _flow = flow;
    }

    /// <summary>Its number in its bus, from 1.</summary>
    public int Id { get; }

    /// <summary>Its bus.</summary>
    public Bus Bus { get; }

    /// <summary>The pool it hears; null for all.</summary>
    public string? Pool { get; }

    /// <summary>The methods it hears, with wildcards; null for all.</summary>
    public string? Method { get; }

    /// <summary>The session it hears; null for all.</summary>
    public string? SessionId { get; }

    /// <summary>How many notifications it keeps.</summary>
    public int MaxQueue { get; }

    /// <summary>What happens to the next one when it is full.</summary>
    public OverflowPolicy Overflow { get; }

    /// <summary>How many wait to be taken.</summary>
    public int Count => _queue.Count;

    /// <summary>How many were taken.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>How many were dropped because it was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether nothing more will come; it may still hold some.</summary>
    public bool IsClosed => EndReason != SubscriptionEndReason.None;

    /// <summary>Why it ended.</summary>
    public SubscriptionEndReason EndReason => (SubscriptionEndReason)Volatile.Read(ref _endReason);

    /// <summary>Takes the oldest, without waiting.</summary>
    public bool TryRead([NotNullWhen(true)] out BusNotification? notification)
    {
        while (_queue.TryDequeue(out BusNotification next, out int left))
        {
            if (left <= MaxQueue / 2)
                Unblock();
            if (_predicate is not null && !_predicate(next))
                continue;
            Interlocked.Increment(ref _delivered);
            notification = next;
            return true;
        }

        notification = null;
        return false;
    }

    /// <summary>Waits until <see cref="TryRead"/> is worth trying: true; false when it has ended and is empty.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _queue.WaitAsync(cancellationToken);

    /// <summary>Takes the oldest, waiting for one; null when it has ended and is empty.</summary>
    public async ValueTask<BusNotification?> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (TryRead(out BusNotification? notification))
                return notification;
            if (!await _queue.WaitAsync(cancellationToken).ConfigureAwait(false))
                return null;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<BusNotification> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false) is { } notification)
            yield return notification;
    }

    /// <summary>Ends it. What it holds can still be taken. Safe to repeat.</summary>
    public void Close() => End(SubscriptionEndReason.Closed);

    /// <summary>The same as <see cref="Close"/>.</summary>
    public void Dispose() => Close();

    /// <summary>The filter and the id.</summary>
    public override string ToString() => $"Subscription {Id}: {Method ?? "*"} of {(Pool is null ? "all pools" : $"pool '{Pool}'")}";

    /// <summary>Offers a notification; on the loop thread. False when it does not match or the subscription has ended.</summary>
    internal bool Offer(ref IncomingNotification notification, string? topSession, string? paramsSession, out bool dropped)
    {
        dropped = false;
        if (IsClosed || !Matches(notification, topSession, paramsSession))
            return false;
        if (SessionId is not null)
            Volatile.Write(ref _sessionWorker, notification.WorkerId);
        var added = new BusNotification(notification.Copy(), _reader);
        bool isFull = _queue.Count >= MaxQueue;
        switch (Overflow)
        {
            case OverflowPolicy.DropNewest when isFull:
                dropped = true;
                break;
            case OverflowPolicy.DropOldest when isFull:
                dropped = _queue.TryDequeue(out _, out _);
                _queue.Enqueue(added);
                break;
            case OverflowPolicy.Close when isFull:
                dropped = true;
                End(SubscriptionEndReason.Overflow);
                break;
            case OverflowPolicy.Block:
                if (_queue.Enqueue(added) >= MaxQueue)
                    Block(notification.WorkerId);
                break;
            default:
                _queue.Enqueue(added);
                break;
        }

        if (dropped)
            Interlocked.Increment(ref _dropped);
        return true;
    }

    /// <summary>A worker's process ended: a subscription to a session that lived there hears no more.</summary>
    internal void OnWorkerStopped(int workerId)
    {
        if (SessionId is not null && Volatile.Read(ref _sessionWorker) == workerId)
            End(SubscriptionEndReason.WorkerLost);
    }

    internal void End(SubscriptionEndReason reason)
    {
        if (Interlocked.CompareExchange(ref _endReason, (int)reason, (int)SubscriptionEndReason.None) != (int)SubscriptionEndReason.None)
            return;
        _queue.End();
        Unblock();
        Bus.Forget(this);
    }

    private bool Matches(in IncomingNotification notification, string? topSession, string? paramsSession) =>
        (Pool is null || Pool == notification.Pool)
        && (Method is null || MethodPattern.Matches(Method, notification.Method))
        && (SessionId is null || SessionId == topSession || SessionId == paramsSession || SessionId == notification.SessionId);

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
