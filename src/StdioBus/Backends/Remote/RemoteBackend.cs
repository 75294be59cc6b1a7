namespace StdioBus;

/// <summary>
/// A kernel in another process, reached over a connection. What is the same for all such backends is here; they differ in
/// how the connection comes about and how it ends.
/// </summary>
internal abstract partial class RemoteBackend : IBusBackend, IDaemonListener
{
    /// <summary>How long a daemon may take to answer when it is greeted, or asked how things are.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private const int DefaultDrainSeconds = 30;
    private readonly CallIds _ids;
    private readonly WorkerChanges _changes = new();
    private readonly PauseReasons[] _paused;
    private readonly Dictionary<string, (int First, int Count)> _workersOfPool = new(StringComparer.Ordinal);
    private IBackendEvents? _events;
    private DaemonConnection? _connection;
    private BackendSnapshot _last = new() { Statistics = new BusStatistics() };
    private int _state;
    private volatile bool _isReady;
    private volatile bool _tellsSettled;

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

    public virtual string Transport => "pipe";

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
        DaemonLink link;
        try
        {
            link = await ConnectAsync(_goOn.Token).ConfigureAwait(false);
        }
        catch
        {
            EndUnbegun();
            throw;
        }

        var connection = new DaemonConnection(link, Config.Limits, Name(), this);
        Volatile.Write(ref _connection, connection);
        connection.Start();
        if (IsEnding)
        {
            await KillNowAsync().ConfigureAwait(false);
            throw new BusInvalidStateException($"The bus '{Name()}' was stopped while it was being started.");
        }

        await GreetAsync(connection).ConfigureAwait(false);
        _isLinked = true;
        _isReady = true;

        // It may have ended before this could be told as the end of a bus that runs.
        if (Ended.Task.IsCompleted)
            throw await ExplainAsync(new BusTransportException($"{Where} ended while the bus was being started.")).ConfigureAwait(false);
    }

    public void Send(in OutgoingMessage message, bool canWait = false)
    {
        StdioBusException? refused = _connection is not { } connection
            ? KernelCode.OfSend(KernelCode.State, $"the bus '{Name()}' does not run")
            : _isReady && !_isLinked ? NotConnected()
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
        if (!_tellsSettled)
            _events?.OnSettled(cookie);
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
        await _goOn.CancelAsync().ConfigureAwait(false);
        await EndAsync(timeout).ConfigureAwait(false);
    }

    public async Task KillAsync()
    {
        if (Interlocked.CompareExchange(ref _state, 2, 0) == 0)
        {
            EndUnbegun();
            return;
        }

        Interlocked.Exchange(ref _state, 2);
        await _goOn.CancelAsync().ConfigureAwait(false);
        await KillNowAsync().ConfigureAwait(false);
    }

    public virtual IReadOnlyList<string> GetStderrTail(int lines) => [];

    void IDaemonListener.OnTurnEnd()
    {
        TellOfNewConnection();
        _events!.OnTurnEnd();
    }

    void IDaemonListener.OnEnd(Exception? error)
    {
        StdioBusException? failure = Explain(IsEnding ? null : error);
        if (!IsToBeMadeAgain(failure))
            Finish(failure);
    }

    /// <summary>What this connects to, for the beginning of a sentence.</summary>
    protected abstract string Where { get; }

    /// <summary>Makes the connection.</summary>
    /// <param name="cancellationToken">Cancelled when an end is asked for.</param>
    /// <exception cref="StdioBusException">It cannot be made; the message says where and why.</exception>
    protected abstract Task<DaemonLink> ConnectAsync(CancellationToken cancellationToken);

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

    /// <summary>Waits for the end of a daemon that was told to end in order; false when it takes longer than it may.</summary>
    /// <param name="timeout">How long it may take; null for the daemon's own limit and some more.</param>
    /// <param name="more">That.</param>
    protected async Task<bool> HasEndedAsync(TimeSpan? timeout, TimeSpan more)
    {
        TimeSpan patience = timeout switch
        {
            null => TimeSpan.FromSeconds(Config.Limits?.DrainTimeoutSeconds is > 0 and var drain ? drain : DefaultDrainSeconds) + more,
            { } limit when limit < TimeSpan.Zero || limit > TimeSpan.FromDays(20) => Timeout.InfiniteTimeSpan,
            { } limit => limit,
        };
        try
        {
            await Ended.Task.WaitAsync(patience).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Writes a line to the bus's log.</summary>
    protected void Log(BusLogLevel level, string text) => _events?.OnLog(level, null, text);

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
    private async Task<IReadOnlyList<BusWorker>> GreetAsync(DaemonConnection connection)
    {
        try
        {
            return await GreetOnceAsync(connection).WaitAsync(Patience, _goOn.Token).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BusTimeoutException($"{Where} did not answer within {Patience.TotalSeconds} s.", error);
        }
        catch (OperationCanceledException error)
        {
            throw new BusInvalidStateException($"The bus '{Name()}' was stopped while it was being connected.", error);
        }
        catch (StdioBusException error)
        {
            throw await ExplainAsync(error).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<BusWorker>> GreetOnceAsync(DaemonConnection connection)
    {
        await AuthenticateAsync(connection).ConfigureAwait(false);
        _tellsSettled = DaemonReports.Tells(await connection.AskAsync("annotate", $"{{\"log\":\"{LogLevel}\"}}").ConfigureAwait(false), "settled");
        IReadOnlyList<BusWorker> workers = DaemonReports.ReadWorkers(await connection.AskAsync("workers").ConfigureAwait(false), Name());
        CheckWorkers(workers);
        return workers;
    }

    // No connection came about, so there is none whose end could be told.
    private void EndUnbegun() => Ended.TrySetResult();

    // Keeps the last counters, as long as somebody can tell them. False when there is nothing to end.
    private async Task<bool> BeginEndAsync()
    {
        int was = Interlocked.CompareExchange(ref _state, 2, 0);
        if (was == 0)
            EndUnbegun();
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
        return _connection is not null || !Ended.Task.IsCompleted;
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
}
