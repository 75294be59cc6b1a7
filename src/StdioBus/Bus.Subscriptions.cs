namespace StdioBus;

public sealed partial class Bus
{
    private readonly SubscriptionSet _subscriptions = new();

    /// <summary>The subscriptions that have not ended, those behind <see cref="OnNotification"/> and <see cref="OnMessage"/> included.</summary>
    public IReadOnlyList<Subscription> Subscriptions => _subscriptions.Open;

    /// <summary>Hears notifications from now on.</summary>
    /// <param name="options">Which, and how many are kept; null for all.</param>
    /// <exception cref="StdioBusException">InvalidArgument: an option is out of its range, or names a pool that is not there. InvalidState: the bus was removed.</exception>
    public BusSubscription Subscribe(SubscriptionOptions? options = null)
    {
        options ??= new SubscriptionOptions();
        Check(options);
        var subscription = new BusSubscription(this, _subscriptions.NextId(), options, _flow);
        _subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>Hears all notifications from now on.</summary>
    /// <param name="maxQueue">How many are kept, 1 or more.</param>
    /// <param name="overflow">What happens to the next one when it is full.</param>
    /// <exception cref="StdioBusException">InvalidArgument: a parameter is out of its range. InvalidState: the bus was removed.</exception>
    public BusSubscription SubscribeNotifications(int maxQueue = 256, OverflowPolicy overflow = OverflowPolicy.DropNewest) =>
        Subscribe(new SubscriptionOptions { MaxQueue = maxQueue, Overflow = overflow });

    /// <summary>Hears every line from the workers from now on, and the errors that the kernel makes.</summary>
    /// <param name="options">
    /// Pool, queue and policy; with a method only the requests and notifications that have it. Session, predicate and
    /// reader are of notifications and do not apply. Null for all.
    /// </param>
    /// <exception cref="StdioBusException">InvalidArgument: an option is out of its range, does not apply, or names a pool that is not there. InvalidState: the bus was removed.</exception>
    public BusRawSubscription SubscribeRaw(SubscriptionOptions? options = null)
    {
        options ??= new SubscriptionOptions();
        Check(options);
        string? misplaced = options.SessionId is not null ? nameof(options.SessionId)
            : options.Predicate is not null ? nameof(options.Predicate)
            : options.Reader is not null ? nameof(options.Reader)
            : null;
        if (misplaced is not null)
            throw new BusInvalidArgumentException($"{misplaced}: does not apply to a raw subscription.");
        var subscription = new BusRawSubscription(this, _subscriptions.NextId(), options, _flow);
        _subscriptions.Add(subscription);
        return subscription;
    }

    /// <summary>
    /// Calls a handler for each notification from now on: in order, one at a time, on the thread pool. What it throws is
    /// logged, and disturbs neither the next call nor other handlers.
    /// </summary>
    /// <param name="handler">The handler. Notifications that come while it runs wait in a subscription of its own.</param>
    /// <param name="options">As of <see cref="Subscribe"/>: by default 256 may wait, and further ones are dropped.</param>
    /// <returns>The registration; disposing it ends it, and what waits is not handed over any more.</returns>
    /// <exception cref="StdioBusException">As of <see cref="Subscribe"/>.</exception>
    public IDisposable OnNotification(Action<BusNotification> handler, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Push(Subscribe(options), handler, nameof(OnNotification));
    }

    /// <summary>The same for every line from the workers.</summary>
    /// <param name="handler">The handler. Lines that come while it runs wait in a subscription of its own.</param>
    /// <param name="options">As of <see cref="SubscribeRaw"/>: by default 256 may wait, and further ones are dropped.</param>
    /// <returns>The registration; disposing it ends it, and what waits is not handed over any more.</returns>
    /// <exception cref="StdioBusException">As of <see cref="SubscribeRaw"/>.</exception>
    public IDisposable OnMessage(Action<BusMessage> handler, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Push(SubscribeRaw(options), handler, nameof(OnMessage));
    }

    /// <summary>Closes a subscription; the same as <see cref="Subscription.Close"/>.</summary>
    public void Unsubscribe(Subscription subscription)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        if (subscription.Bus != this)
            throw new BusInvalidArgumentException($"{nameof(subscription)}: it belongs to the bus '{subscription.Bus.Name}', not to '{Name}'.");
        subscription.Close();
    }

    internal void Forget(Subscription subscription) => _subscriptions.Remove(subscription);

    private void Check(SubscriptionOptions options)
    {
        if (options.MaxQueue < 1)
            throw new BusInvalidArgumentException($"{nameof(SubscriptionOptions.MaxQueue)}: expected 1 or more, got {options.MaxQueue}.");
        if (!Enum.IsDefined(options.Overflow))
            throw new BusInvalidArgumentException($"{nameof(SubscriptionOptions.Overflow)}: expected DropNewest, DropOldest, Close or Block, got {(int)options.Overflow}.");
        if (options.Pool is not null && FindPool(options.Pool) is null)
            throw UnknownPool(options.Pool);
        ObjectDisposedCheck();
    }

    private PushHandler<T> Push<T>(Subscription<T> subscription, Action<T> handler, string what)
        where T : class
    {
        var push = new PushHandler<T>(subscription, handler, error => _log.Add(BusLogLevel.Error, null, $"A handler of {what} threw: {error}"));
        push.Start();
        return push;
    }
}
