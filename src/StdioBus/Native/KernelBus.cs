using System.Runtime.InteropServices;
using System.Text;

namespace StdioBus;

/// <summary>
/// One <c>stdio_bus_t</c>. Every call must come from the thread whose turn it is; a call from another one throws. The
/// callbacks catch everything: no exception crosses into the kernel.
/// </summary>
internal sealed unsafe partial class KernelBus : IDisposable
{
    private readonly KernelApi _api;
    private readonly IKernelEvents _events;
    private readonly long _maxInput;
    private readonly KernelTurn _turn;
    private GCHandle _self;
    private nint _bus;
    private string? _lastError;

    /// <summary>Makes a bus from its configuration; it starts nothing.</summary>
    /// <exception cref="BusInvalidArgumentException">The kernel refuses the configuration.</exception>
    public KernelBus(KernelApi api, BusConfig config, NativeOptions options, KernelTurn turn, IKernelEvents events)
    {
        _api = api;
        _turn = turn;
        _events = events;
        _maxInput = config.Limits?.MaxInputBuffer ?? BusLimits.DefaultMaxInputBuffer;
        _self = GCHandle.Alloc(this);
        var host = Utf8Z(options.TcpHost);
        var path = Utf8Z(options.UnixPath);
        byte[] configJson = [.. ConfigWriter.WriteForThisProcess(config), 0];
        fixed (byte* json = configJson, tcpHost = host, unixPath = path)
        {
            var native = new KernelOptions
            {
                ConfigJson = json,
                Listener = new KernelListener { Mode = (int)options.ListenMode, TcpHost = tcpHost, TcpPort = (ushort)(options.TcpPort ?? 0), UnixPath = unixPath },
                OnMessage = &OnMessage,
                OnError = &OnError,
                OnLog = &OnLog,
                OnWorker = &OnWorker,
                UserData = GCHandle.ToIntPtr(_self),
                LogLevel = (int)options.LogLevel,
            };
            _bus = api.Create(&native);
        }

        if (_bus == 0)
        {
            _self.Free();
            throw new BusInvalidArgumentException($"The kernel refuses the configuration: {_lastError ?? "no reason given"}");
        }

        try
        {
            CheckHandshakes(config);
            SetAccessToken(options.AccessToken);
        }
        catch
        {
            Dispose();
            throw;
        }

        if (!api.IsVersion3)
            return;
        api.SetMessageHandler(_bus, &OnRoutedMessage, GCHandle.ToIntPtr(_self));
        api.SetStderrHandler(_bus, &OnStderr, GCHandle.ToIntPtr(_self));
        SetYoungerHandlers();
        GuardWorkers();
    }

    public BusState State => (BusState)_api.GetState(Checked());

    /// <summary>A new reference to the bus's waker.</summary>
    public WakerHandle MakeWaker() => new(_api, _api.Waker(Checked()));

    public void Start()
    {
        _lastError = null;
        int code = _api.Start(Checked());
        if (code == KernelCode.Ok)
            return;
        string reason = _lastError ?? $"code {code}";
        throw code switch
        {
            KernelCode.Worker => new BusUnavailableException($"A worker cannot be started: {reason}"),
            KernelCode.Error => new BusTransportException($"The kernel cannot be started: {reason}"),
            _ => new BusInternalException($"The kernel cannot be started: {reason}"),
        };
    }

    public int Step(int timeoutMs) => _api.Step(Checked(), timeoutMs);

    /// <summary>
    /// Whether <see cref="StepLent"/> can be called. Not on Windows, where what is read and written may end with the thread
    /// that began it.
    /// </summary>
    public bool CanBeLent => _api.StepLent is not null && !OperatingSystem.IsWindows();

    /// <summary>A step on another thread than the one that started the kernel. See <c>stdio_bus_step_lent</c>.</summary>
    public int StepLent(int timeoutMs) => _api.StepLent(Checked(), timeoutMs);

    public void Stop(int timeoutSeconds) => _api.Stop(Checked(), timeoutSeconds);

    /// <summary>Sends one message; null when the kernel took it.</summary>
    public StdioBusException? Send(KernelRoute* route, ReadOnlySpan<byte> message)
    {
        nint bus = Checked();
        _lastError = null;
        int code;
        fixed (byte* text = message)
            code = _api.IsVersion3 ? _api.Send(bus, route, text, (nuint)message.Length) : _api.Ingest(bus, text, (nuint)message.Length);
        return code switch
        {
            KernelCode.Ok => null,
            KernelCode.Buffer => KernelCode.OfSend(code, $"it has {message.Length} bytes, more than the limit max_input_buffer ({_maxInput})"),
            _ => KernelCode.OfSend(code, _lastError ?? KernelCode.Text(code)),
        };
    }

    public void Forget(ulong cookie) => _api.Forget(Checked(), cookie);

    /// <summary>The worker that has a request; -1 when it waits, or the kernel cannot tell.</summary>
    public int WorkerOf(ulong cookie)
    {
        nint bus = Checked();
        return _api.PendingWorker is null ? -1 : Math.Max(-1, _api.PendingWorker(bus, cookie));
    }

    public void SetPaused(int workerId, PauseReasons reasons, bool paused)
    {
        nint bus = Checked();
        if (paused)
            _api.PauseWorker(bus, workerId, (uint)reasons);
        else
            _api.ResumeWorker(bus, workerId, (uint)reasons);
    }

    /// <summary>Begins to end one worker's process, and to start it anew when that is wanted; events tell what comes of it.</summary>
    public int EndWorker(int workerId, bool restart, bool force)
    {
        nint bus = Checked();
        return restart ? _api.RestartWorker(bus, workerId, force ? 1 : 0) : _api.StopWorker(bus, workerId, force ? 1 : 0);
    }

    /// <summary>What a worker is doing; null when there is no such worker.</summary>
    public WorkerState? StateOf(int workerId)
    {
        var info = new KernelWorkerInfo { Size = (nuint)sizeof(KernelWorkerInfo) };
        return _api.WorkerAt(Checked(), workerId, &info) == KernelCode.Ok ? (WorkerState)info.State : null;
    }

    public BackendSnapshot ReadSnapshot()
    {
        nint bus = Checked();
        KernelStats stats;
        _api.GetStats(bus, &stats);
        var counters = new KernelCounters { Size = (nuint)sizeof(KernelCounters) };
        if (_api.IsVersion3)
            _api.GetCounters(bus, &counters);
        return new BackendSnapshot
        {
            WorkerCount = _api.WorkerCount(bus),
            ClientCount = _api.ClientCount(bus),
            SessionCount = _api.SessionCount(bus),
            PendingCount = _api.PendingCount(bus),
            ListenEndpoint = _api.IsVersion3 && Text(_api.ListenEndpoint(bus)) is { Length: > 0 } endpoint ? endpoint : null,
            Statistics = new BusStatistics
            {
                MessagesIn = (long)stats.MessagesIn,
                MessagesOut = (long)stats.MessagesOut,
                BytesIn = (long)stats.BytesIn,
                BytesOut = (long)stats.BytesOut,
                WorkerRestarts = (long)stats.WorkerRestarts,
                RoutingErrors = (long)stats.RoutingErrors,
                ClientConnects = (long)stats.ClientConnects,
                ClientDisconnects = (long)stats.ClientDisconnects,
                LateReplies = _api.IsVersion3 ? (long)counters.LateReplies : -1,
                InvalidLines = _api.IsVersion3 ? (long)counters.InvalidLines : -1,
                Requeued = _api.IsVersion3 ? (long)counters.Requeued : -1,
                SessionsEvicted = _api.IsVersion3 ? (long)counters.SessionsEvicted : -1,
                Backpressure = _api.IsVersion3 ? (long)counters.Backpressure : -1,
            },
        };
    }

    /// <summary>The counters of a kernel that was not started; −1 for those that this one does not have.</summary>
    public static BusStatistics CountersAtFirst(bool isVersion3) => isVersion3
        ? new BusStatistics()
        : new BusStatistics { LateReplies = -1, InvalidLines = -1, Requeued = -1, SessionsEvicted = -1, Backpressure = -1 };

    public IReadOnlyList<BusWorker> ReadWorkers(string busName)
    {
        nint bus = Checked();
        if (!_api.IsVersion3)
            return [];
        int total = _api.WorkerTotal(bus);
        var workers = new List<BusWorker>(total);
        for (int i = 0; i < total; i++)
        {
            var info = new KernelWorkerInfo { Size = (nuint)sizeof(KernelWorkerInfo) };
            if (_api.WorkerAt(bus, i, &info) == KernelCode.Ok)
                workers.Add(ReadWorker(info, busName));
        }

        return workers;
    }

    /// <summary>Frees the bus; workers that still run are killed.</summary>
    public void Dispose()
    {
        if (_bus == 0)
            return;
        nint bus = Checked();
        _bus = 0;
        _api.Destroy(bus);
        _self.Free();
    }

    // One that is older passes over what it does not know of a configuration, and fills in less of the struct.
    private void CheckHandshakes(BusConfig config)
    {
        if (config.Pools.FirstOrDefault(pool => pool.Handshake.Count > 0) is not { } greeting)
            return;
        var info = new KernelWorkerInfo { Size = (nuint)sizeof(KernelWorkerInfo) };
        if (!_api.IsVersion3 || _api.WorkerAt(_bus, 0, &info) != KernelCode.Ok || info.Size < (nuint)sizeof(KernelWorkerInfo))
            throw new BusNotSupportedException($"Pool '{greeting.Id}': the kernel '{_api.Path}' knows no handshakes.");
    }

    private void SetAccessToken(string? token)
    {
        if (token is null)
            return;
        if (_api.SetAccessToken is null)
            throw new BusNotSupportedException($"{nameof(NativeOptions.AccessToken)}: the kernel '{_api.Path}' knows no access tokens.");
        int code;
        fixed (byte* text = Utf8Z(token))
            code = _api.SetAccessToken(_bus, text);
        if (code != KernelCode.Ok)
            throw new BusInvalidArgumentException($"{nameof(NativeOptions.AccessToken)}: the kernel refuses it: {KernelCode.Text(code)}.");
    }

    // What workers have started outlives a host that is killed, unless somebody is left to end it.
    private void GuardWorkers()
    {
        if (_api.SetGuard is null || FindGuard() is not { } daemon)
            return;
        int code;
        fixed (byte* path = Utf8Z(daemon))
            code = _api.SetGuard(_bus, path);
        if (code != KernelCode.Ok)
            _events.OnLog(BusLogLevel.Warning, null, $"No guard: the kernel refuses '{daemon}': {KernelCode.Text(code)}.");
    }

    private string? FindGuard()
    {
        try
        {
            return KernelDaemon.Beside(_api.Path);
        }
        catch (BusUnavailableException error)
        {
            _events.OnLog(BusLogLevel.Warning, null, $"No guard: {error.Message}");
            return null;
        }
    }

    private static BusWorker ReadWorker(in KernelWorkerInfo info, string busName)
    {
        DateTimeOffset? started = info.StartedAtMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(info.StartedAtMs).ToLocalTime() : null;
        TimeSpan uptime = info.ProcessId > 0 && started is { } start ? DateTimeOffset.Now - start : TimeSpan.Zero;
        bool hasExited = info.HasExited != 0;
        return new BusWorker
        {
            Id = info.Id,
            Pool = Text(info.Pool) ?? "",
            BusName = busName,
            ProcessId = (int)info.ProcessId,
            State = (WorkerState)info.State,
            StartedAt = started,
            Uptime = uptime > TimeSpan.Zero ? uptime : TimeSpan.Zero,
            Restarts = (long)info.Restarts,
            Sessions = (long)info.Sessions,
            Pending = (long)info.Pending,
            MessagesIn = (long)info.MessagesIn,
            MessagesOut = (long)info.MessagesOut,
            BytesIn = (long)info.BytesIn,
            BytesOut = (long)info.BytesOut,
            InvalidLines = (long)info.InvalidLines,
            QueuedBytes = (long)info.QueuedBytes,
            IsPaused = info.Paused != 0,
            LastExitCode = hasExited && info.LastExitCode >= 0 ? info.LastExitCode : null,
            LastExitSignal = hasExited && info.LastExitSignal > 0 ? info.LastExitSignal : null,
            LastExitReason = hasExited && Text(info.LastReason) is { Length: > 0 } reason ? reason : null,
            StandardErrorTail = Text(info.StderrTail) ?? "",
            Handshake = info.Handshake is null ? null : new RawJson(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info.Handshake).ToArray()),
        };
    }

    // The kernel belongs to one thread at a time; a call from another would corrupt it.
    private nint Checked()
    {
        if (!_turn.IsMine)
            throw new BusTransportException($"The kernel belongs to {_turn.Holder} and was called from the thread {KernelTurn.CurrentThread}.");
        ObjectDisposedException.ThrowIf(_bus == 0, this);
        return _bus;
    }

    private static byte[]? Utf8Z(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text + '\0');

    private static string? Text(byte* text) => Marshal.PtrToStringUTF8((nint)text);

    private static KernelBus From(nint user) => (KernelBus)GCHandle.FromIntPtr(user).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnRoutedMessage(nint bus, KernelMessage* message, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnMessage(new IncomingMessage(new ReadOnlySpan<byte>(message->Data, (int)message->Length), message->WorkerId, message->WorkerId < 0));
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    // Of a version 2 kernel: it does not say who sent the message.
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnMessage(nint bus, byte* message, nuint length, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnMessage(new IncomingMessage(new ReadOnlySpan<byte>(message, (int)length), -1, fromKernel: true));
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnError(nint bus, int code, byte* message, nint user)
    {
        KernelBus self = From(user);
        try
        {
            string text = Text(message) ?? $"code {code}";
            self._lastError = self._lastError is null ? text : $"{self._lastError}; {text}";
            self._events.OnLog(BusLogLevel.Error, null, text);
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnLog(nint bus, int level, byte* message, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnLog((BusLogLevel)Math.Clamp(level, (int)BusLogLevel.Debug, (int)BusLogLevel.Error), null, Text(message) ?? "");
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnStderr(nint bus, int workerId, byte* line, nuint length, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnLog(BusLogLevel.Information, workerId, Encoding.UTF8.GetString(line, (int)length));
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnWorker(nint bus, int workerId, byte* change, nint user)
    {
        KernelBus self = From(user);
        try
        {
            if (Enum.TryParse(Text(change), ignoreCase: true, out WorkerEvent known))
                self._events.OnWorker(workerId, known);
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }
}
