namespace StdioBus;

/// <summary>The open subscriptions of a bus.</summary>
internal sealed class SubscriptionSet
{
    private readonly object _gate = new();
    private volatile Subscription[] _open = [];
    private volatile BusSubscription[] _toNotifications = [];
    private volatile BusRawSubscription[] _toAll = [];
    private SubscriptionEndReason _ended;
    private int _lastId;

    public IReadOnlyList<Subscription> Open => _open;

    /// <summary>Whether any hears every line.</summary>
    public bool HasRaw => _toAll.Length > 0;

    public int NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Adds one; when the bus is over it ends at once.</summary>
    public void Add(Subscription subscription)
    {
        SubscriptionEndReason ended;
        lock (_gate)
        {
            ended = _ended;
            if (ended == SubscriptionEndReason.None)
                Set([.. _open, subscription]);
        }

        if (ended != SubscriptionEndReason.None)
            subscription.End(ended);
    }

    public void Remove(Subscription subscription)
    {
        lock (_gate)
            Set([.. _open.Where(other => other != subscription)]);
    }

    /// <summary>Offers a notification to all; on the loop thread.</summary>
    /// <returns>Whether any took it, and how many dropped one.</returns>
    public (bool Taken, int Dropped) Offer(ref IncomingNotification notification, string? topSession, string? paramsSession)
    {
        bool taken = false;
        int dropped = 0;
        foreach (BusSubscription subscription in _toNotifications)
        {
            taken |= subscription.Offer(ref notification, topSession, paramsSession, out bool droppedHere);
            dropped += droppedHere ? 1 : 0;
        }

        return (taken, dropped);
    }

    /// <summary>Offers a line to those that hear all; on the loop thread.</summary>
    /// <returns>How many dropped one.</returns>
    public int OfferRaw(in IncomingMessage message, in MessageView view, MethodNames methods, string pool)
    {
        int dropped = 0;
        BusMessage? copy = null;
        foreach (BusRawSubscription subscription in _toAll)
            dropped += subscription.Offer(message, view, methods, pool, ref copy) ? 1 : 0;
        return dropped;
    }

    /// <summary>A worker's process ended.</summary>
    public void OnWorkerStopped(int workerId)
    {
        foreach (Subscription subscription in _open)
            subscription.OnWorkerStopped(workerId);
    }

    /// <summary>Ends those that a condition names.</summary>
    public void End(SubscriptionEndReason reason, Func<Subscription, bool> which)
    {
        foreach (Subscription subscription in _open)
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

    private void Set(Subscription[] open)
    {
        _open = open;
        _toNotifications = [.. open.OfType<BusSubscription>()];
        _toAll = [.. open.OfType<BusRawSubscription>()];
    }
}
