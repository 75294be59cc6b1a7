using System.Collections.Concurrent;

namespace StdioBus.Tests.Support;

/// <summary>A native backend that notes on which thread each message and each worker is told of.</summary>
internal sealed class WatchedBackend(BusConfig config, BusOptions options) : IBusBackend
{
    private readonly NativeBackend _inner = new(config, options.Native ?? new NativeOptions(), () => "watched");
    private readonly ConcurrentDictionary<int, int> _told = new();

    /// <summary>Called when a turn ends, on the thread that has it.</summary>
    public Action OnTurnEnd { get; set; } = static () => { };

    public BackendKind Kind => _inner.Kind;

    public bool RoutesBesideMessage => _inner.RoutesBesideMessage;

    public bool IsEventThread => _inner.IsEventThread;

    public bool CanBeDriven => _inner.CanBeDriven;

    /// <summary>A running bus over a new one.</summary>
    public static async Task<(Bus Bus, WatchedBackend Backend)> StartAsync(BusOptions options)
    {
        WatchedBackend? backend = null;
        var bus = new Bus(options, (config, _) => backend = new WatchedBackend(config, options));
        await bus.StartAsync().Soon();
        return (bus, backend!);
    }

    /// <summary>What happened to workers, and the threads on which it was told.</summary>
    public ConcurrentQueue<(WorkerEvent Change, int Thread)> WorkerEvents { get; } = new();

    /// <summary>How many messages were told on this thread.</summary>
    public int ToldOn(int thread) => _told.GetValueOrDefault(thread);

    /// <summary>How many messages were told.</summary>
    public int Told => _told.Values.Sum();

    public Task StartAsync(IBackendEvents events) => _inner.StartAsync(new Events(this, events));

    public void Send(in OutgoingMessage message, bool canWait = false) => _inner.Send(message, canWait);

    public void Flush() => _inner.Flush();

    public void Drive() => _inner.Drive();

    public void GiveUp(ulong cookie, in OutgoingMessage notice) => _inner.GiveUp(cookie, notice);

    public void SetPaused(int workerId, PauseReasons reasons, bool paused) => _inner.SetPaused(workerId, reasons, paused);

    public BackendSnapshot GetSnapshot() => _inner.GetSnapshot();

    public Task<IReadOnlyList<BusWorker>> GetWorkersAsync() => _inner.GetWorkersAsync();

    public Task EndWorkerAsync(int workerId, bool restart, bool force) => _inner.EndWorkerAsync(workerId, restart, force);

    public Task StopAsync(TimeSpan? timeout) => _inner.StopAsync(timeout);

    public Task KillAsync() => _inner.KillAsync();

    private sealed class Events(WatchedBackend owner, IBackendEvents inner) : IBackendEvents
    {
        public void OnMessage(in IncomingMessage message)
        {
            owner._told.AddOrUpdate(Environment.CurrentManagedThreadId, 1, static (_, count) => count + 1);
            inner.OnMessage(message);
        }

        public void OnSendRefused(ulong cookie, StdioBusException error) => inner.OnSendRefused(cookie, error);

        public void OnPlaced(ulong cookie, int workerId) => inner.OnPlaced(cookie, workerId);

        public void OnSettled(ulong cookie) => inner.OnSettled(cookie);

        public void OnWorker(int workerId, WorkerEvent change)
        {
            owner.WorkerEvents.Enqueue((change, Environment.CurrentManagedThreadId));
            inner.OnWorker(workerId, change);
        }

        public void OnSkipped(int workerId, string reason, string line) => inner.OnSkipped(workerId, reason, line);

        public void OnLog(BusLogLevel level, int? workerId, string text) => inner.OnLog(level, workerId, text);

        public TurnOutcome OnTurnEnd()
        {
            owner.OnTurnEnd();
            return inner.OnTurnEnd();
        }

        public void OnDisconnected(StdioBusException error) => inner.OnDisconnected(error);

        public void OnReconnected() => inner.OnReconnected();

        public void OnClosed(StdioBusException? error) => inner.OnClosed(error);
    }
}
