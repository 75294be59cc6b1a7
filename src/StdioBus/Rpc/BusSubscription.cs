namespace StdioBus;

/// <summary>
/// A bounded queue of the notifications that match. Several readers may take from it; each notification goes to one.
/// It ends with a reason, and what it holds then can still be taken.
/// </summary>
public sealed class BusSubscription : Subscription<BusNotification>
{
    private readonly Func<BusNotification, bool>? _predicate;
    private readonly JsonReader _reader;
    private int _sessionWorker = -1;

    internal BusSubscription(Bus bus, int id, SubscriptionOptions options, WorkerFlow flow)
        : base(bus, id, options, flow)
    {
        SessionId = options.SessionId;
        _predicate = options.Predicate;
        _reader = options.Reader ?? JsonElements.Reader;
    }

    /// <summary>The session it hears; null for all.</summary>
    public string? SessionId { get; }

    /// <summary>Offers a notification; on the loop thread. False when it does not match or the subscription has ended.</summary>
    internal bool Offer(ref IncomingNotification notification, string? topSession, string? paramsSession, out bool dropped)
    {
        dropped = false;
        if (IsClosed || !Matches(notification, topSession, paramsSession))
            return false;
        if (SessionId is not null)
            Volatile.Write(ref _sessionWorker, notification.WorkerId);
        dropped = Put(new BusNotification(notification.Copy(), _reader), notification.WorkerId);
        return true;
    }

    /// <summary>A worker's process ended: a subscription to a session that lived there hears no more.</summary>
    internal override void OnWorkerStopped(int workerId)
    {
        if (SessionId is not null && Volatile.Read(ref _sessionWorker) == workerId)
            End(SubscriptionEndReason.WorkerLost);
    }

    private protected override bool IsWanted(BusNotification item) => _predicate is null || _predicate(item);

    private bool Matches(in IncomingNotification notification, string? topSession, string? paramsSession) =>
        (Pool is null || Pool == notification.Pool)
        && (Method is null || MethodPattern.Matches(Method, notification.Method))
        && (SessionId is null || SessionId == topSession || SessionId == paramsSession || SessionId == notification.SessionId);
}
