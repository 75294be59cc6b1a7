using System.Text.Json;

namespace StdioBus;

/// <summary>A <see cref="Bus"/> for synchronous callers: the same members, each waiting for its end.</summary>
public sealed class BlockingBus : IDisposable
{
    /// <summary>Makes a bus; it starts nothing.</summary>
    /// <param name="options">What to make it from; later changes to them have no effect.</param>
    /// <exception cref="StdioBusException">InvalidArgument: the options or the configuration are unusable. NotSupported: the backend is not there.</exception>
    public BlockingBus(BusOptions options)
        : this(new Bus(options))
    {
    }

    /// <summary>Wraps a bus, and disposes it when disposed.</summary>
    public BlockingBus(Bus bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        Bus = bus;
    }

    /// <summary>The bus itself.</summary>
    public Bus Bus { get; }

    /// <inheritdoc cref="Bus.Name"/>
    public string Name => Bus.Name;

    /// <inheritdoc cref="Bus.State"/>
    public BusState State => Bus.State;

    /// <inheritdoc cref="Bus.IsConnected"/>
    public bool IsConnected => Bus.IsConnected;

    /// <inheritdoc cref="Bus.BackendKind"/>
    public BackendKind BackendKind => Bus.BackendKind;

    /// <inheritdoc cref="Bus.Pools"/>
    public IReadOnlyList<BusPool> Pools => Bus.Pools;

    /// <inheritdoc cref="Bus.Timeout"/>
    public TimeSpan? Timeout => Bus.Timeout;

    /// <inheritdoc cref="Bus.ListenMode"/>
    public ListenMode ListenMode => Bus.ListenMode;

    /// <inheritdoc cref="Bus.ListenEndpoint"/>
    public string? ListenEndpoint => Bus.ListenEndpoint;

    /// <inheritdoc cref="Bus.WorkerCount"/>
    public int WorkerCount => Bus.WorkerCount;

    /// <inheritdoc cref="Bus.ClientCount"/>
    public int ClientCount => Bus.ClientCount;

    /// <inheritdoc cref="Bus.SessionCount"/>
    public int SessionCount => Bus.SessionCount;

    /// <inheritdoc cref="Bus.PendingCount"/>
    public int PendingCount => Bus.PendingCount;

    /// <inheritdoc cref="Bus.KernelPendingCount"/>
    public int KernelPendingCount => Bus.KernelPendingCount;

    /// <inheritdoc cref="Bus.Statistics"/>
    public BusStatistics Statistics => Bus.Statistics;

    /// <inheritdoc cref="Bus.StartedAt"/>
    public DateTimeOffset? StartedAt => Bus.StartedAt;

    /// <inheritdoc cref="Bus.ClientSessionId"/>
    public string ClientSessionId => Bus.ClientSessionId;

    /// <inheritdoc cref="Bus.AgentSessionId"/>
    public string? AgentSessionId
    {
        get => Bus.AgentSessionId;
        set => Bus.AgentSessionId = value;
    }

    /// <inheritdoc cref="Bus.SeenMethods"/>
    public IReadOnlyCollection<string> SeenMethods => Bus.SeenMethods;

    /// <inheritdoc cref="Bus.Subscriptions"/>
    public IReadOnlyList<Subscription> Subscriptions => Bus.Subscriptions;

    /// <inheritdoc cref="Bus.StartAsync"/>
    public void Start(CancellationToken cancellationToken = default) => Bus.StartAsync(cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.ConnectAsync"/>
    public HelloResult? Connect(HelloParams? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.ConnectAsync(parameters, options, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.HelloAsync"/>
    public HelloResult Hello(HelloParams? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.HelloAsync(parameters, options, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.StopAsync"/>
    public void Stop(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Bus.StopAsync(timeout, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.KillAsync"/>
    public void Kill() => Bus.KillAsync().GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    public JsonElement Request(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.RequestBlocking(method, parameters, options, cancellationToken).ToElement();

    /// <inheritdoc cref="Bus.RequestAsync{T}"/>
    public T? Request<T>(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.Read<T>(Bus.RequestBlocking(method, parameters, options, cancellationToken), options);

    /// <inheritdoc cref="Bus.RequestObjectAsync"/>
    public object? RequestObject(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.ReadObject(Bus.RequestBlocking(method, parameters, options, cancellationToken), options);

    /// <inheritdoc cref="Bus.RequestRawAsync"/>
    public RawJson RequestRaw(string? method, RawJson? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.RequestBlocking(method, parameters, options, cancellationToken);

    /// <inheritdoc cref="Bus.StreamRequestAsync"/>
    public IEnumerable<StreamEvent> Stream(string? method, object? parameters = null, StreamOptions? options = null, CancellationToken cancellationToken = default)
    {
        IAsyncEnumerator<StreamEvent> events = Bus.StreamRequestAsync(method, parameters, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (events.MoveNextAsync().AsTask().GetAwaiter().GetResult())
                yield return events.Current;
        }
        finally
        {
            events.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc cref="Bus.NotifyAsync"/>
    public void Notify(string method, object? parameters = null, MessageOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.NotifyAsync(method, parameters, options, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.SendAsync"/>
    public void Send(RawJson message, MessageOptions? options = null, CancellationToken cancellationToken = default) =>
        Bus.SendAsync(message, options, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.Handlers"/>
    public IReadOnlyList<BusHandler> Handlers => Bus.Handlers;

    /// <inheritdoc cref="Bus.Handle"/>
    public BusHandler Handle(string method, Func<BusRequest, CancellationToken, object?> handler, HandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Bus.Handle(method, (request, cancellation) => Task.FromResult(handler(request, cancellation)), options);
    }

    /// <inheritdoc cref="Bus.Subscribe"/>
    public BusSubscription Subscribe(SubscriptionOptions? options = null) => Bus.Subscribe(options);

    /// <inheritdoc cref="Bus.SubscribeNotifications"/>
    public BusSubscription SubscribeNotifications(int maxQueue = 256, OverflowPolicy overflow = OverflowPolicy.DropNewest) => Bus.SubscribeNotifications(maxQueue, overflow);

    /// <inheritdoc cref="Bus.SubscribeRaw"/>
    public BusRawSubscription SubscribeRaw(SubscriptionOptions? options = null) => Bus.SubscribeRaw(options);

    /// <inheritdoc cref="Bus.Unsubscribe"/>
    public void Unsubscribe(Subscription subscription) => Bus.Unsubscribe(subscription);

    /// <inheritdoc cref="Bus.OnNotification"/>
    public IDisposable OnNotification(Action<BusNotification> handler, SubscriptionOptions? options = null) => Bus.OnNotification(handler, options);

    /// <inheritdoc cref="Bus.OnMessage"/>
    public IDisposable OnMessage(Action<BusMessage> handler, SubscriptionOptions? options = null) => Bus.OnMessage(handler, options);

    /// <summary>What a subscription receives as it comes, until it ends.</summary>
    public static IEnumerable<T> Read<T>(Subscription<T> subscription, CancellationToken cancellationToken = default)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(subscription);
        while (subscription.ReadAsync(cancellationToken).AsTask().GetAwaiter().GetResult() is { } item)
            yield return item;
    }

    /// <inheritdoc cref="Bus.GetWorkers"/>
    public IReadOnlyList<BusWorker> GetWorkers() => Bus.GetWorkers();

    /// <inheritdoc cref="Bus.RestartWorkerAsync"/>
    public void RestartWorker(int workerId, bool force = false, CancellationToken cancellationToken = default) =>
        Bus.RestartWorkerAsync(workerId, force, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.StopWorkerAsync"/>
    public void StopWorker(int workerId, bool force = false, CancellationToken cancellationToken = default) =>
        Bus.StopWorkerAsync(workerId, force, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.GetStderrTail"/>
    public IReadOnlyList<string> GetStderrTail(int lines = int.MaxValue) => Bus.GetStderrTail(lines);

    /// <inheritdoc cref="Bus.GetLog"/>
    public IReadOnlyList<BusLogEntry> GetLog(int last = int.MaxValue, long after = 0) => Bus.GetLog(last, after);

    /// <inheritdoc cref="Bus.WaitForLogAsync"/>
    public bool WaitForLog(long after, CancellationToken cancellationToken = default) =>
        Bus.WaitForLogAsync(after, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc cref="Bus.ToString"/>
    public override string ToString() => Bus.ToString();

    /// <inheritdoc cref="Bus.Dispose"/>
    public void Dispose() => Bus.Dispose();
}
