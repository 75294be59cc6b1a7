namespace StdioBus;

/// <summary>The open subscriptions of a bus.</summary>
internal sealed class SubscriptionSet
{
    private readonly object _gate = new();
    private volatile BusSubscription[] _open = [];
    private SubscriptionEndReason _ended;
    private int _lastId;

    public IReadOnlyList<BusSubscription> Open => _open;

    public int NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Adds one; when the bus is over it ends at once.</summary>
    public void Add(BusSubscription subscription)
    {
        SubscriptionEndReason ended;
        lock (_gate)
        {
            ended = _ended;
            if (ended == SubscriptionEndReason.None)
                _open = [.. _open, subscription];
        }

        if (ended != SubscriptionEndReason.None)
            subscription.End(ended);
    }

    public void Remove(BusSubscription subscription)
    {
        lock (_gate)
            _open = [.. _open.Where(other => other != subscription)];
    }

    /// <summary>Offers a notification to all; on the loop thread.</summary>
    /// <returns>Whether any took it, and how many dropped one.</returns>
    public (bool Taken, int Dropped) Offer(ref IncomingNotification notification, string? topSession, string? paramsSession)
    {
        bool taken = false;
        int dropped = 0;
        foreach (BusSubscription subscription in _open)
        {
            taken |= subscription.Offer(ref notification, topSession, paramsSession, out bool droppedHere);
            dropped += droppedHere ? 1 : 0;
        }

        return (taken, dropped);
    }

    /// <summary>A worker's process ended.</summary>
    public void OnWorkerStopped(int workerId)
    {
        foreach (BusSubscription subscription in _open)
            subscription.OnWorkerStopped(workerId);
    }

    /// <summary>Ends those that a condition names.</summary>
    public void End(SubscriptionEndReason reason, Func<BusSubscription, bool> which)
    {
        foreach (BusSubscription subscription in _open)
            if (which(subscription))
                subscription.End(reason);
    }

    /// <summary>Ends all, now and later.</summary>
    public void EndAll(SubscriptionEndReason reason)
    {
        lock (_gate)
            _ended = reason;
        End(reason, _ => true);
    }
}
