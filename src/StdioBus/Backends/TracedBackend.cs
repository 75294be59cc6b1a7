using System.Collections.Concurrent;

namespace StdioBus;

/// <summary>A backend whose messages are written to a <see cref="WireTrace"/>. Buses without a trace do not have it.</summary>
internal sealed class TracedBackend(IBusBackend inner, WireTrace trace, IReadOnlyList<PoolInfo> pools, Func<string> name) : IBusBackend
{
    // Requests whose worker is not known yet, by their cookie.
    private readonly ConcurrentDictionary<ulong, Copy> _unplaced = new();

    public BackendKind Kind => inner.Kind;

    public string Transport => inner.Transport;

    public bool RoutesBesideMessage => inner.RoutesBesideMessage;

    public bool IsEventThread => inner.IsEventThread;

    public Task StartAsync(IBackendEvents events)
    {
        trace.Open($"StdioBus trace: {name()}");
        return inner.StartAsync(new Events(this, events));
    }

    public void Send(in OutgoingMessage message, bool canWait)
    {
        // The message is the inner backend's once it has it.
        ReadOnlySpan<byte> json = message.Buffer.AsSpan(0, message.Length);
        if (message.Cookie == 0)
            AddOut(message, message.WorkerId, json);
        else
            _unplaced[message.Cookie] = new Copy(message, json);
        inner.Send(message, canWait);
    }

    public void Flush() => inner.Flush();

    public bool CanBeDriven => inner.CanBeDriven;

    public void Drive() => inner.Drive();

    public void GiveUp(ulong cookie, in OutgoingMessage notice)
    {
        if (notice.Buffer is not null)
            AddOut(notice, notice.WorkerId, notice.Buffer.AsSpan(0, notice.Length));
        inner.GiveUp(cookie, notice);
    }

    public void SetPaused(int workerId, PauseReasons reasons, bool paused) => inner.SetPaused(workerId, reasons, paused);

    public BackendSnapshot GetSnapshot() => inner.GetSnapshot();

    public Task<IReadOnlyList<BusWorker>> GetWorkersAsync() => inner.GetWorkersAsync();

    public Task EndWorkerAsync(int workerId, bool restart, bool force) => inner.EndWorkerAsync(workerId, restart, force);

    public IReadOnlyList<string> GetStderrTail(int lines) => inner.GetStderrTail(lines);

    public async Task StopAsync(TimeSpan? timeout)
    {
        await inner.StopAsync(timeout).ConfigureAwait(false);
        await trace.CloseAsync().ConfigureAwait(false);
    }

    public async Task KillAsync()
    {
        await inner.KillAsync().ConfigureAwait(false);
        await trace.CloseAsync().ConfigureAwait(false);
    }

    private void AddOut(in OutgoingMessage message, int workerId, ReadOnlySpan<byte> json)
    {
        PoolInfo? pool = workerId >= 0 ? PoolOf(workerId) : message.Pool is null && pools.Count == 1 ? pools[0] : null;
        foreach (PoolInfo named in pools)
            if (pool is null && named.Id == message.Pool)
                pool = named;
        trace.Add(new TraceLine { IsOut = true, Worker = workerId >= 0 ? workerId : pool?.OnlyWorker ?? -1, Pool = pool?.Id ?? message.Pool, Session = message.Session }, json);
    }

    private PoolInfo? PoolOf(int workerId)
    {
        foreach (PoolInfo pool in pools)
            if (workerId >= pool.FirstWorker && workerId < pool.FirstWorker + pool.Instances)
                return pool;
        return null;
    }

    private readonly struct Copy
    {
        private readonly OutgoingMessage _message;

        public Copy(in OutgoingMessage message, ReadOnlySpan<byte> json)
        {
            byte[] bytes = MessageArrays.Rent(json.Length);
            json.CopyTo(bytes);
            _message = message with { Buffer = bytes };
        }

        public void Add(TracedBackend to, int workerId)
        {
            to.AddOut(_message, workerId, _message.Buffer.AsSpan(0, _message.Length));
            Drop();
        }

        public void Drop() => MessageArrays.Return(_message.Buffer!);
    }

    private sealed class Events(TracedBackend owner, IBackendEvents inner) : IBackendEvents
    {
        public void OnMessage(in IncomingMessage message)
        {
            owner.Trace(message);
            inner.OnMessage(message);
        }

        public void OnSendRefused(ulong cookie, StdioBusException error)
        {
            if (owner._unplaced.TryRemove(cookie, out Copy copy))
                copy.Drop();
            inner.OnSendRefused(cookie, error);
        }

        public void OnPlaced(ulong cookie, int workerId)
        {
            if (owner._unplaced.TryRemove(cookie, out Copy copy))
                copy.Add(owner, workerId);
            inner.OnPlaced(cookie, workerId);
        }

        public void OnSettled(ulong cookie) => inner.OnSettled(cookie);

        public void OnWorker(int workerId, WorkerEvent change) => inner.OnWorker(workerId, change);

        public void OnSkipped(int workerId, string reason, string line) => inner.OnSkipped(workerId, reason, line);

        public void OnLog(BusLogLevel level, int? workerId, string text) => inner.OnLog(level, workerId, text);

        public TurnOutcome OnTurnEnd() => inner.OnTurnEnd();

        public void OnDisconnected(StdioBusException error) => inner.OnDisconnected(error);

        public void OnReconnected() => inner.OnReconnected();

        public void OnClosed(StdioBusException? error)
        {
            owner.TraceEnds();
            inner.OnClosed(error);
        }
    }

    private void Trace(in IncomingMessage message) =>
        trace.Add(new TraceLine { FromKernel = message.FromKernel && inner.RoutesBesideMessage, Worker = message.WorkerId, Pool = PoolOf(message.WorkerId)?.Id }, message.Json);

    private void TraceEnds() => trace.BeginClose();
}
