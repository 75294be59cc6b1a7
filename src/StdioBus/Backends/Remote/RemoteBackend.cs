using System.Buffers.Text;
using System.Text.Json;

namespace StdioBus;

/// <summary>
/// A kernel in another process, reached over a connection. What is the same for all such backends is here; they differ in
/// how the connection comes about and how it ends.
/// </summary>
internal abstract class RemoteBackend : IBusBackend, IDaemonListener
{
    /// <summary>How long a daemon may take to answer when it is greeted, or asked how things are.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly CallIds _ids;
    private readonly WorkerChanges _changes = new();
    private readonly PauseReasons[] _paused;
    private readonly Dictionary<string, (int First, int Count)> _workersOfPool = new(StringComparer.Ordinal);
    private IBackendEvents? _events;
    private DaemonConnection? _connection;
    private BackendSnapshot _last = new() { Statistics = new BusStatistics() };
    private int _state;
    private volatile bool _isReady;

    protected RemoteBackend(BusConfig config, CallIds ids, BusLogLevel logLevel, Func<string> name)
    {
        Config = config;
        Name = name;
        _ids = ids;
        LogLevel = logLevel switch { BusLogLevel.Debug => "debug", BusLogLevel.Information => "info", BusLogLevel.Warning => "warn", _ => "error" };
        int first = 0;
        foreach (BusPool each in config.Pools)
        {
            _workersOfPool.Add(each.Id, (first, each.Instances));
            first += each.Instances;
        }

        _paused = new PauseReasons[first];
    }

    public abstract BackendKind Kind { get; }

    public bool RoutesBesideMessage => true;

    public bool IsEventThread => _connection?.IsReadingThread == true;

    /// <summary>The pools.</summary>
    protected BusConfig Config { get; }

    /// <summary>The bus's name.</summary>
    protected Func<string> Name { get; }

    /// <summary>From which level on the daemon logs, in its words.</summary>
    protected string LogLevel { get; }

    /// <summary>Whether an end was asked for.</summary>
    protected bool IsEnding => Volatile.Read(ref _state) == 2;

    /// <summary>Ends when nothing of the connection is left.</summary>
    protected TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task StartAsync(IBackendEvents events)
    {
        _events = events;
        if (Interlocked.CompareExchange(ref _state, 1, 0) != 0)
            throw new BusInvalidStateException($"The bus '{Name()}' was stopped before it was started.");
        DaemonLink link = await ConnectAsync().ConfigureAwait(false);
        var connection = new DaemonConnection(link, Config.Limits, Name(), this);
        Volatile.Write(ref _connection, connection);
        connection.Start();
        if (IsEnding)
        {
            await KillNowAsync().ConfigureAwait(false);
            throw new BusInvalidStateException($"The bus '{Name()}' was stopped while it was being started.");
        }

        try
        {
            await GreetAsync(connection).WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BusTimeoutException($"{Where} did not answer within {Patience.TotalSeconds} s.", error);
        }
        catch (StdioBusException error)
        {
            throw await ExplainAsync(error).ConfigureAwait(false);
        }

        _isReady = true;

        // It may have ended before this could be told as the end of a bus that runs.
        if (Ended.Task.IsCompleted)
            throw await ExplainAsync(new BusTransportException($"{Where} ended while the bus was being started.")).ConfigureAwait(false);
    }

    public void Send(in OutgoingMessage message, bool canWait = false)
    {
        StdioBusException? refused = _connection is not { } connection
            ? KernelCode.OfSend(KernelCode.State, $"the bus '{Name()}' does not run")
            : UnknownPool(message) ?? connection.Send(message, canWait);
        if (refused is null)
            return;
        MessageArrays.Return(message.Buffer!);
        if (message.Receipt is { } receipt)
            receipt.SetException(refused);
        else if (message.Cookie != 0)
            _events?.OnSendRefused(message.Cookie, refused);
        else
            _events?.OnLog(BusLogLevel.Warning, null, $"A message to worker {message.WorkerId} was not sent: {refused.Message}");
    }

    public void Flush() => _connection?.Flush();

    public void GiveUp(ulong cookie, in OutgoingMessage notice)
    {
        // The notice first: the daemon passes a client's cancellations on only while the request is in flight.
        SendNotice(notice);
        var id = new ByteBuffer();
        _ids.Write(id, (long)cookie);
        _connection?.Tell("forget", $"{{\"id\":{System.Text.Encoding.ASCII.GetString(id.Written)}}}");
        id.Release();
        _events?.OnPlaced(cookie, -1);
    }

    public void SetPaused(int workerId, PauseReasons reasons, bool paused)
    {
        // In order: what is told last has to be what holds.
        lock (_paused)
        {
            PauseReasons was = _paused[workerId];
            PauseReasons now = paused ? was | reasons : was & ~reasons;
            _paused[workerId] = now;
            if ((was == PauseReasons.None) != (now == PauseReasons.None))
                _connection?.Tell(paused ? "pause" : "resume", WorkerParams(workerId));
        }
    }

    public BackendSnapshot GetSnapshot()
    {
        if (!_isReady || Ended.Task.IsCompleted)
            return _last;
        try
        {
            return ReadSnapshotAsync().GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is StdioBusException or TimeoutException)
        {
            return Ended.Task.IsCompleted ? _last : DaemonReports.Unknown;
        }
    }

    public async Task<IReadOnlyList<BusWorker>> GetWorkersAsync()
    {
        if (!_isReady || Ended.Task.IsCompleted)
            return [];
        try
        {
            return DaemonReports.ReadWorkers(await _connection!.AskAsync("workers").ConfigureAwait(false), Name());
        }
        catch (BusTransportException)
        {
            // It ended meanwhile, and with it its workers.
            return [];
        }
    }

    public async Task EndWorkerAsync(int workerId, bool restart, bool force)
    {
        if (!_isReady || Ended.Task.IsCompleted)
            throw NotRunning();
        if ((uint)workerId >= (uint)_paused.Length)
            throw new BusInvalidArgumentException($"The bus '{Name()}' has no worker {workerId}.");
        var reply = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_changes)
            _changes.Add(workerId, restart, reply);
        try
        {
            await _connection!.AskAsync(restart ? "restart" : "stop", $"{{\"worker\":{Digits(workerId)},\"force\":{(force ? "true" : "false")}}}").ConfigureAwait(false);
        }
        catch (StdioBusException error)
        {
            lock (_changes)
                if (!reply.Task.IsCompleted)
                    _changes.Fail(workerId, reply, error);
        }

        // One that was stopped before has no more to tell.
        if (!restart && !reply.Task.IsCompleted
            && (await GetWorkersAsync().ConfigureAwait(false)).FirstOrDefault(worker => worker.Id == workerId) is { State: WorkerState.Stopped or WorkerState.Failed })
        {
            lock (_changes)
                _changes.OnWorker(workerId, WorkerEvent.Stopped);
        }

        if (Ended.Task.IsCompleted)
            lock (_changes)
                _changes.OnEnded(Name());
        await reply.Task.ConfigureAwait(false);
    }

    public async Task StopAsync(TimeSpan? timeout)
    {
        if (!await BeginEndAsync().ConfigureAwait(false))
            return;
        await EndAsync(timeout).ConfigureAwait(false);
    }

    public async Task KillAsync()
    {
        if (Interlocked.CompareExchange(ref _state, 2, 0) == 0)
            return;
        Interlocked.Exchange(ref _state, 2);
        await KillNowAsync().ConfigureAwait(false);
    }

    public virtual IReadOnlyList<string> GetStderrTail(int lines) => [];

    void IDaemonListener.OnMessage(in IncomingMessage message)
    {
        // An answer of the bus itself to a request that no worker has.
        if (message.FromKernel && MessageView.Read(message.Json) is { Id.IsPresent: true } view && _ids.Read(view.Id.Of(message.Json)) is > 0 and long id)
            _events!.OnPlaced((ulong)id, -1);
        _events!.OnMessage(message);
    }

    void IDaemonListener.OnReport(string method, ReadOnlySpan<byte> json, JsonSlice parameters)
    {
        if (!parameters.IsObject(json))
            return;
        switch (method)
        {
            case "placed":
                OnPlaced(json, parameters);
                break;
            case "worker":
                OnWorker(JsonElements.Parse(parameters.Of(json)));
                break;
            case "log":
                OnLog(JsonElements.Parse(parameters.Of(json)));
                break;
        }
    }

    void IDaemonListener.OnTurnEnd() => _events!.OnTurnEnd();

    void IDaemonListener.OnEnd(Exception? error)
    {
        StdioBusException? failure = Explain(IsEnding ? null : error);
        _last = _last with { WorkerCount = 0, ClientCount = 0, SessionCount = 0, PendingCount = 0 };
        bool wasReady = _isReady;
        Ended.SetResult();
        lock (_changes)
            _changes.OnEnded(Name());
        if (!wasReady)
            return;
        _events!.OnClosed(failure);

        // The calls that failed with it go on.
        _events.OnTurnEnd();
    }

    /// <summary>What this connects to, for the beginning of a sentence.</summary>
    protected abstract string Where { get; }

    /// <summary>Makes the connection.</summary>
    /// <exception cref="StdioBusException">It cannot be made; the message says where and why.</exception>
    protected abstract Task<DaemonLink> ConnectAsync();

    /// <summary>What is to be done on a new connection before anything else.</summary>
    protected virtual Task AuthenticateAsync(DaemonConnection connection) => Task.CompletedTask;

    /// <summary>Called with the workers that the daemon has, before the bus runs.</summary>
    protected virtual void CheckWorkers(IReadOnlyList<BusWorker> workers)
    {
        // A daemon that was started with our configuration has our workers.
    }

    /// <summary>Says more about why a start failed.</summary>
    protected virtual Task<StdioBusException> ExplainAsync(StdioBusException error) => Task.FromResult(error);

    /// <summary>Why the connection ended; null when it was asked to. On the reading thread, before anybody is told.</summary>
    protected abstract StdioBusException? Explain(Exception? error);

    /// <summary>An orderly end within the time; may be called again with a shorter one.</summary>
    protected abstract Task EndAsync(TimeSpan? timeout);

    /// <summary>An end at once.</summary>
    protected abstract Task KillNowAsync();

    /// <summary>Lets all that waits leave, then closes the output.</summary>
    protected void FinishWriting() => _connection?.FinishWriting();

    /// <summary>Waits for the connection's threads; false when there are none, or they did not end in time.</summary>
    protected bool Join(TimeSpan patience) => _connection?.Join(patience) ?? true;

    private static string Digits(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string WorkerParams(int workerId) => $"{{\"worker\":{Digits(workerId)}}}";

    private void SendNotice(in OutgoingMessage notice)
    {
        if (notice.Buffer is null)
            return;
        (int first, int count) = notice.WorkerId >= 0 ? (notice.WorkerId, 1)
            : notice.Session is not null ? (-1, 1)
            : notice.Pool is null ? _workersOfPool.Values.First()
            : _workersOfPool[notice.Pool];
        for (int i = 0; i < count; i++)
        {
            byte[] copy = MessageArrays.Rent(notice.Length);
            notice.Buffer.AsSpan(0, notice.Length).CopyTo(copy);
            Send(notice with { Buffer = copy, WorkerId = first < 0 ? -1 : first + i });
        }

        MessageArrays.Return(notice.Buffer);
    }

    // The answer to annotate says that the daemon is ready.
    private async Task GreetAsync(DaemonConnection connection)
    {
        await AuthenticateAsync(connection).ConfigureAwait(false);
        await connection.AskAsync("annotate", $"{{\"log\":\"{LogLevel}\"}}").ConfigureAwait(false);
        CheckWorkers(DaemonReports.ReadWorkers(await connection.AskAsync("workers").ConfigureAwait(false), Name()));
    }

    // Keeps the last counters, as long as somebody can tell them. False when there is nothing to end.
    private async Task<bool> BeginEndAsync()
    {
        int was = Interlocked.CompareExchange(ref _state, 2, 0);
        if (was == 1 && _isReady && !Ended.Task.IsCompleted && Interlocked.CompareExchange(ref _state, 2, 1) == 1)
        {
            try
            {
                await ReadSnapshotAsync().WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
            }
            catch (Exception error) when (error is StdioBusException or TimeoutException)
            {
                // It has ended, or does not answer: what was known before stays the last.
            }
        }

        Interlocked.CompareExchange(ref _state, 2, 1);
        return was != 0;
    }

    private async Task<BackendSnapshot> ReadSnapshotAsync()
    {
        BackendSnapshot now = DaemonReports.ReadStats(await _connection!.AskAsync("stats").WaitAsync(Patience).ConfigureAwait(false));
        if (!Ended.Task.IsCompleted)
            _last = now;
        return now;
    }

    private BusInvalidStateException NotRunning() => new($"The bus '{Name()}' does not run.");

    // The daemon only counts a notification to a pool that is not there.
    private StdioBusException? UnknownPool(in OutgoingMessage message) =>
        message.WorkerId >= 0 || message.Receipt is null || message.Session is not null || (message.Pool is { } pool ? _workersOfPool.ContainsKey(pool) : _workersOfPool.Count == 1)
            ? null
            : KernelCode.OfSend(KernelCode.InvalidArgument, $"{(message.Pool is null ? "it names no pool" : $"there is no pool '{message.Pool}'")}; the pools are {string.Join(", ", _workersOfPool.Keys.Select(id => $"'{id}'"))}");

    private void OnPlaced(ReadOnlySpan<byte> json, JsonSlice parameters)
    {
        long id = 0;
        int worker = -1;
        var members = new JsonMembers(json, parameters);
        while (members.MoveNext())
        {
            if (members.NameIs("id"u8))
                id = _ids.Read(members.Value.Of(json));
            else if (members.NameIs("worker"u8) && Utf8Parser.TryParse(members.Value.Of(json), out int number, out _))
                worker = number;
        }

        if (id > 0)
            _events!.OnPlaced((ulong)id, worker);
    }

    private void OnWorker(JsonElement parameters)
    {
        if (!parameters.TryGetProperty("worker", out JsonElement id) || !id.TryGetInt32(out int worker) || (uint)worker >= (uint)_paused.Length
            || !parameters.TryGetProperty("event", out JsonElement text) || !Enum.TryParse(text.GetString(), ignoreCase: true, out WorkerEvent change))
        {
            return;
        }

        // A pause ends with the worker's process; the events' receiver sets those anew that are still wanted.
        if (change == WorkerEvent.Started)
            lock (_paused)
                _paused[worker] = PauseReasons.None;
        _events!.OnWorker(worker, change);
        lock (_changes)
            _changes.OnWorker(worker, change);
    }

    private void OnLog(JsonElement line)
    {
        if (!line.TryGetProperty("text", out JsonElement text) || text.ValueKind != JsonValueKind.String)
            return;
        BusLogLevel level = !line.TryGetProperty("level", out JsonElement name) ? BusLogLevel.Information
            : name.GetString() switch { "debug" => BusLogLevel.Debug, "warn" => BusLogLevel.Warning, "error" => BusLogLevel.Error, _ => BusLogLevel.Information };
        bool isStderr = line.TryGetProperty("stderr", out JsonElement stderr) && stderr.ValueKind == JsonValueKind.True;
        int? worker = isStderr && line.TryGetProperty("worker", out JsonElement id) && id.TryGetInt32(out int number) ? number : null;
        if (line.TryGetProperty("dropped", out JsonElement dropped))
            _events!.OnLog(BusLogLevel.Warning, null, $"{dropped} lines of the log were dropped here, because they came too fast.");
        _events!.OnLog(level, worker, text.GetString()!);
    }
}
