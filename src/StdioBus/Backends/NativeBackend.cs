namespace StdioBus;

/// <summary>A kernel in this process, on its own loop thread.</summary>
internal sealed class NativeBackend : KernelLoop, IBusBackend, IKernelEvents
{
    // How long an end may take beyond what was asked for, before it is forced.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    // What the kernel's clock can count without a thought; longer than any process lives.
    private static readonly TimeSpan LongestStop = TimeSpan.FromDays(365);

    private readonly BusConfig _config;
    private readonly NativeOptions _options;
    private readonly Func<string> _name;
    private readonly KernelApi _api;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WorkerChanges _changes = new();
    private readonly RouteText _poolText = new();
    private readonly RouteText _sessionText = new();
    private readonly Dictionary<string, (int First, int Count)> _workersOfPool = new(StringComparer.Ordinal);
    private IBackendEvents? _events;
    private BackendSnapshot _last;
    private int _threadState;

    public NativeBackend(BusConfig config, NativeOptions options, Func<string> name)
        : base("StdioBus loop")
    {
        _config = config;
        _options = options;
        _name = name;
        _api = KernelLibrary.Load(options.LibraryPath);
        _last = new BackendSnapshot { Statistics = KernelBus.CountersAtFirst(_api.IsVersion3) };
        int first = 0;
        foreach (BusPool each in config.Pools)
        {
            _workersOfPool.Add(each.Id, (first, each.Instances));
            first += each.Instances;
        }

        if (!_api.IsVersion3 && config.Pools.FirstOrDefault(pool => pool.Envelope == EnvelopeKind.Standard) is { } pool)
        {
            throw new BusNotSupportedException(
                $"The kernel '{_api.Path}' has version 2 of the embedding API only, which routes by members of the message: pool '{pool.Id}' must have the {nameof(EnvelopeKind.StdioBus)} envelope, not {pool.Envelope}.");
        }
    }

    public BackendKind Kind => BackendKind.Native;

    public bool RoutesBesideMessage => _api.IsVersion3;

    protected override int StepTimeout => _api.IsVersion3 ? -1 : (int)Math.Ceiling(_options.PollInterval.TotalMilliseconds);

    public Task StartAsync(IBackendEvents events)
    {
        _events = events;
        if (Interlocked.CompareExchange(ref _threadState, 1, 0) != 0)
            return Task.FromException(new BusInvalidStateException($"The bus '{_name()}' was stopped before it was started."));
        StartThread();
        return _started.Task;
    }

    public bool IsEventThread => Turn.IsMine;

    public void Send(in OutgoingMessage message, bool canWait) => Post(new LoopCommand(LoopCommandKind.Send) { Message = message }, canWait);

    public void Flush() => WakeForRest();

    public void GiveUp(ulong cookie, in OutgoingMessage notice) => Post(new LoopCommand(LoopCommandKind.GiveUp) { Cookie = cookie, Message = notice });

    public void SetPaused(int workerId, PauseReasons reasons, bool paused) =>
        Post(new LoopCommand(paused ? LoopCommandKind.Pause : LoopCommandKind.Resume) { Number = workerId, Reasons = reasons });

    public BackendSnapshot GetSnapshot()
    {
        if (Volatile.Read(ref _threadState) != 1)
            return _last;
        var reply = new TaskCompletionSource<BackendSnapshot>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new LoopCommand(LoopCommandKind.ReadSnapshot) { Reply = reply });
        return reply.Task.GetAwaiter().GetResult();
    }

    public Task<IReadOnlyList<BusWorker>> GetWorkersAsync()
    {
        if (Volatile.Read(ref _threadState) != 1)
            return Task.FromResult<IReadOnlyList<BusWorker>>([]);
        var reply = new TaskCompletionSource<IReadOnlyList<BusWorker>>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new LoopCommand(LoopCommandKind.ReadWorkers) { Reply = reply });
        return reply.Task;
    }

    public Task EndWorkerAsync(int workerId, bool restart, bool force)
    {
        if (Volatile.Read(ref _threadState) != 1)
            return Task.FromException(NotRunning());
        if (!_api.IsVersion3)
            return Task.FromException(new BusNotSupportedException($"The kernel '{_api.Path}' has version 2 of the embedding API only, which cannot end a worker."));
        var reply = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new LoopCommand(LoopCommandKind.EndWorker) { Number = workerId, Restart = restart, Force = force, Reply = reply });
        return reply.Task;
    }

    public async Task StopAsync(TimeSpan? timeout)
    {
        // Never started: there is nothing to end, and from here on nothing will be started.
        if (Interlocked.CompareExchange(ref _threadState, 2, 0) != 1)
            return;
        bool isEndless = timeout is { } wanted && (wanted < TimeSpan.Zero || wanted > LongestStop);
        int seconds = isEndless ? (int)LongestStop.TotalSeconds : timeout is { } limit ? (int)Math.Max(Math.Ceiling(limit.TotalSeconds), 1) : 0;
        Post(new LoopCommand(LoopCommandKind.Stop) { Number = seconds });
        TimeSpan patience = isEndless
            ? Timeout.InfiniteTimeSpan
            : Grace + (timeout ?? TimeSpan.FromSeconds(_config.Limits?.DrainTimeoutSeconds is > 0 and var drain ? drain : 30));
        try
        {
            await _ended.Task.WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await KillAsync().ConfigureAwait(false);
        }
    }

    public async Task KillAsync()
    {
        if (Interlocked.CompareExchange(ref _threadState, 2, 0) != 1)
            return;
        Post(new LoopCommand(LoopCommandKind.Kill));
        try
        {
            await _ended.Task.WaitAsync(Grace).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BusInternalException($"The loop thread of the bus '{_name()}' did not end within {Grace.TotalSeconds} s.", error);
        }
    }

    void IKernelEvents.OnMessage(in IncomingMessage message) => _events!.OnMessage(message);

    void IKernelEvents.OnSettled(ulong cookie) => _events!.OnSettled(cookie);

    void IKernelEvents.OnWorker(int workerId, WorkerEvent change)
    {
        _events!.OnWorker(workerId, change);
        _changes.OnWorker(workerId, change);
    }

    void IKernelEvents.OnSkipped(int workerId, string reason, string line) => _events!.OnSkipped(workerId, reason, line);

    void IKernelEvents.OnLog(BusLogLevel level, int? workerId, string text) => _events!.OnLog(level, workerId, text);

    void IKernelEvents.OnFault(Exception error) => _events!.OnLog(BusLogLevel.Error, null, $"A defect of this library: {error}");

    protected override KernelBus MakeKernel()
    {
        Thread.CurrentThread.Name = $"StdioBus loop: {_name()}";
        return new KernelBus(_api, _config, _options, Turn, this);
    }

    protected override TurnOutcome OnTurnEnd() => _events!.OnTurnEnd();

    protected override void OnRunning(KernelBus kernel) => _started.SetResult();

    protected override void Execute(KernelBus kernel, in LoopCommand command)
    {
        switch (command.Kind)
        {
            case LoopCommandKind.Send:
                ExecuteSend(kernel, command.Message);
                break;
            case LoopCommandKind.GiveUp:
                ExecuteGiveUp(kernel, command);
                break;
            case LoopCommandKind.Pause when _api.IsVersion3:
                kernel.SetPaused(command.Number, command.Reasons, true);
                break;
            case LoopCommandKind.Resume when _api.IsVersion3:
                kernel.SetPaused(command.Number, command.Reasons, false);
                break;
            case LoopCommandKind.ReadSnapshot:
                ((TaskCompletionSource<BackendSnapshot>)command.Reply!).SetResult(kernel.ReadSnapshot());
                break;
            case LoopCommandKind.ReadWorkers:
                ((TaskCompletionSource<IReadOnlyList<BusWorker>>)command.Reply!).SetResult(kernel.ReadWorkers(_name()));
                break;
            case LoopCommandKind.EndWorker:
                ExecuteEndWorker(kernel, command);
                break;
            case LoopCommandKind.Stop:
                kernel.Stop(command.Number);
                break;
            case LoopCommandKind.Kill:
                EndNow = true;
                break;
        }
    }

    protected override void Refuse(in LoopCommand command)
    {
        switch (command.Kind)
        {
            case LoopCommandKind.Send:
                Refused(command.Message, KernelCode.OfSend(KernelCode.State, $"the bus '{_name()}' does not run"));
                break;
            case LoopCommandKind.GiveUp:
                Return(command.Message);
                break;
            case LoopCommandKind.ReadSnapshot:
                ((TaskCompletionSource<BackendSnapshot>)command.Reply!).SetResult(_last);
                break;
            case LoopCommandKind.ReadWorkers:
                ((TaskCompletionSource<IReadOnlyList<BusWorker>>)command.Reply!).SetResult([]);
                break;
            case LoopCommandKind.EndWorker:
                ((TaskCompletionSource)command.Reply!).SetException(NotRunning());
                break;
        }
    }

    protected override void OnEnding(KernelBus kernel)
    {
        BackendSnapshot last = kernel.ReadSnapshot();
        _last = last with { WorkerCount = 0, ClientCount = 0, SessionCount = 0, PendingCount = 0, ListenEndpoint = null };
    }

    protected override void OnEnded(Exception? error)
    {
        StdioBusException? failure = error switch
        {
            null => null,
            StdioBusException known => known,
            _ => new BusInternalException($"The loop thread of the bus '{_name()}' failed: {error.Message}", error),
        };
        bool hadStarted = !_started.TrySetException(failure ?? new BusInvalidStateException($"The bus '{_name()}' was stopped while it was being started."));
        _changes.OnEnded(_name());
        if (hadStarted)
        {
            _events!.OnClosed(failure);

            // The calls that failed with it go on.
            OnTurnEnd();
        }

        _ended.SetResult();
    }

    private void ExecuteSend(KernelBus kernel, in OutgoingMessage message)
    {
        if (Hand(kernel, message, message.WorkerId) is { } refused)
        {
            Refused(message, refused);
            return;
        }

        Return(message);
        message.Receipt?.SetResult();
        if (message.Cookie != 0)
            _events!.OnPlaced(message.Cookie, kernel.WorkerOf(message.Cookie));
    }

    private unsafe StdioBusException? Hand(KernelBus kernel, in OutgoingMessage message, int workerId)
    {
        fixed (byte* pool = _poolText.Put(message.Pool), session = _sessionText.Put(message.Session))
        {
            var route = new KernelRoute
            {
                Size = (nuint)sizeof(KernelRoute),
                Pool = pool,
                Session = session,
                WorkerId = workerId,
                Flags = message.Verbatim ? KernelRoute.FlagVerbatim : 0,
                Cookie = message.Cookie,
            };
            return kernel.Send(&route, message.Buffer.AsSpan(0, message.Length));
        }
    }

    private void ExecuteGiveUp(KernelBus kernel, in LoopCommand command)
    {
        OutgoingMessage notice = command.Message;
        int worker = kernel.WorkerOf(command.Cookie);
        if (worker >= 0)
            _events!.OnPlaced(command.Cookie, worker);

        // One of version 2 forgets nothing: the answer itself will come.
        if (_api.IsVersion3)
        {
            kernel.Forget(command.Cookie);
            if (!kernel.TellsSettled)
                _events!.OnSettled(command.Cookie);
        }

        if (notice.Buffer is null)
            return;
        (int first, int count) = worker >= 0 ? (worker, 1)
            : notice.WorkerId >= 0 ? (notice.WorkerId, 1)
            : notice.Session is not null || !_api.IsVersion3 ? (-1, 1)
            : notice.Pool is null ? _workersOfPool.Values.First()
            : _workersOfPool[notice.Pool];
        for (int i = 0; i < count; i++)
            if (Hand(kernel, notice, first + i) is { } refused)
                _events!.OnLog(BusLogLevel.Warning, null, $"A cancellation could not be told to worker {first + i}: {refused.Message}");
        Return(notice);
    }

    private void ExecuteEndWorker(KernelBus kernel, in LoopCommand command)
    {
        var reply = (TaskCompletionSource)command.Reply!;
        int worker = command.Number;

        // The events may come during the call.
        _changes.Add(worker, command.Restart, reply);
        switch (kernel.EndWorker(worker, command.Restart, command.Force))
        {
            case KernelCode.Ok:
                if (!command.Restart && kernel.StateOf(worker) is WorkerState.Stopped or WorkerState.Failed)
                    _changes.OnWorker(worker, WorkerEvent.Stopped);
                break;
            case KernelCode.NotFound:
                _changes.Fail(worker, reply, new BusInvalidArgumentException($"The bus '{_name()}' has no worker {worker}."));
                break;
            default:
                _changes.Fail(worker, reply, NotRunning());
                break;
        }
    }

    private BusInvalidStateException NotRunning() => new($"The bus '{_name()}' does not run.");

    private void Refused(in OutgoingMessage message, StdioBusException error)
    {
        Return(message);
        if (message.Receipt is { } receipt)
            receipt.SetException(error);
        else if (message.Cookie != 0)
            _events!.OnSendRefused(message.Cookie, error);
        else
            _events!.OnLog(BusLogLevel.Warning, null, $"An answer to worker {message.WorkerId} was not sent: {error.Message}");
    }

    private static void Return(in OutgoingMessage message)
    {
        if (message.Buffer is { } buffer)
            MessageArrays.Return(buffer);
    }
}
