using System.Security.Cryptography;

namespace StdioBus;

/// <summary>
/// Pools of worker processes that speak JSON-RPC over stdio: requests, streams, notifications, subscriptions. Every
/// member may be used from any thread.
/// </summary>
public sealed partial class Bus : IAsyncDisposable, IDisposable
{
    private const int LogLines = 1000;
    private readonly object _gate = new();
    private readonly BusOptions _options;
    private readonly BusConfig _config;
    private readonly PoolInfo[] _pools;
    private readonly IBusBackend _backend;
    private readonly CallIds _ids = new();
    private readonly CallTable _calls;
    private readonly CallCloser _closer;
    private readonly DeadlineTimer _timer;
    private readonly WorkerFlow _flow;
    private readonly Completions _completions;
    private readonly MethodNames _methods = new();
    private readonly BusCounters _counters = new();
    private readonly LatencyTable _latency = new();
    private readonly BusLog _log = new(LogLines);
    private readonly IBackendEvents _events;
    private int _state;
    private Task? _stop;
    private int _stoppedRaised;
    private volatile bool _disposed;
    private volatile bool _isDisconnected;
    private volatile object? _startedAt;
    private volatile string? _agentSessionId;

    /// <summary>Makes a bus; it starts nothing.</summary>
    /// <param name="options">What to make it from; later changes to them have no effect.</param>
    /// <exception cref="StdioBusException">InvalidArgument: the options or the configuration are unusable. NotSupported: the backend is not there.</exception>
    public Bus(BusOptions options)
        : this(options, null)
    {
    }

    internal Bus(BusOptions options, Func<BusConfig, Bus, IBusBackend>? makeBackend)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _config) = BusOptionsReader.Read(options);
        int firstWorker = 0;
        _pools = [.. _config.Pools.Select((pool, index) => new PoolInfo(pool, index, (firstWorker += pool.Instances) - pool.Instances))];
        Pools = _config.Pools.ToArray();
        ClientSessionId = NewClientSessionId();
        Name = options.Name ?? "";
        _backend = makeBackend is null ? BackendChoice.Make(_options, _config, _ids, () => Name) : makeBackend(_config, this);
        if (_options.TracePath is { } tracePath)
            _backend = new TracedBackend(_backend, new WireTrace(tracePath, new TraceRedaction(_options.TraceRedactedKeys!), _counters, _log), _pools, () => Name);
        _calls = new CallTable(_ids, _pools, Clock);
        _flow = new WorkerFlow(_backend, _calls, firstWorker);
        _completions = new Completions(_backend);
        _timer = new DeadlineTimer(Clock, deadline => _closer!.Expire((PendingCall)deadline));
        _closer = new CallCloser(_backend, _ids, _calls, _timer.Queue, _flow, _counters, SkippedLines, Clock, _options.StreamOverflowBytes);
        _requests = new WorkerRequests(
            _backend, _handlers, new BuiltInAnswers(_options.Roots?.AsReadOnly(), _options.RejectPermissions), _calls, _methods, _counters, _log, Clock, _config.Limits?.MaxInputBuffer ?? BusLimits.DefaultMaxInputBuffer);
        _closer.GivenUp = _requests.OnGivenUp;
        _events = new MessageDispatcher(_ids, _calls, _closer, _requests, _subscriptions, _flow, new WorkerBoard(_pools), _methods, _counters, _log, SkippedLines, _completions, OnConnectionChanged, OnBackendClosed);
        BusRegistry.Add(this, options.Name);
    }

    /// <summary>Raised once, on a thread of the pool, when the bus has stopped for whatever reason.</summary>
    public event EventHandler? Stopped;

    /// <summary>Its name, unique among the open buses of the process.</summary>
    public string Name { get; internal set; }

    /// <summary>Where it is in its life.</summary>
    public BusState State => (BusState)Volatile.Read(ref _state);

    /// <summary>
    /// Whether it runs and reaches its kernel. False while it runs only where a connection that was lost is being made again
    /// (<see cref="SocketOptions.Reconnect"/>): requests then fail at once with a TransportError.
    /// </summary>
    public bool IsConnected => State == BusState.Running && !_isDisconnected;

    /// <summary>How it reaches its kernel.</summary>
    public BackendKind BackendKind => _backend.Kind;

    /// <summary>Its pools, as they were when it was made.</summary>
    public IReadOnlyList<BusPool> Pools { get; }

    /// <summary>The total deadline of requests that name none; null for none.</summary>
    public TimeSpan? Timeout => _options.Timeout;

    /// <summary>Whether and how it listens for socket clients.</summary>
    public ListenMode ListenMode => _options.Native!.ListenMode;

    /// <summary>Where it listens, with the port the system chose; null when it does not.</summary>
    public string? ListenEndpoint => _backend.GetSnapshot().ListenEndpoint;

    /// <summary>How many workers run.</summary>
    public int WorkerCount => _backend.GetSnapshot().WorkerCount;

    /// <summary>How many socket clients are connected.</summary>
    public int ClientCount => _backend.GetSnapshot().ClientCount;

    /// <summary>How many sessions are bound to workers.</summary>
    public int SessionCount => _backend.GetSnapshot().SessionCount;

    /// <summary>How many requests made here wait for an answer.</summary>
    public int PendingCount => _calls.Count;

    /// <summary>How many requests the kernel waits for, those of socket clients included.</summary>
    public int KernelPendingCount => _backend.GetSnapshot().PendingCount;

    /// <summary>The counters, as they are now.</summary>
    public BusStatistics Statistics => _counters.AddTo(_backend.GetSnapshot().Statistics) with { Latency = _latency.Read() };

    /// <summary>When it began to run; null before.</summary>
    public DateTimeOffset? StartedAt => (DateTimeOffset?)_startedAt;

    /// <summary>The session of messages to pools in the StdioBus envelope that name none: <c>client-…</c>.</summary>
    public string ClientSessionId { get; }

    /// <summary>The session an agent gave us; null until one did.</summary>
    public string? AgentSessionId
    {
        get => _agentSessionId;
        set => _agentSessionId = value;
    }

    /// <summary>The methods sent and received so far, sorted; the first 512 of them.</summary>
    public IReadOnlyCollection<string> SeenMethods => _methods.ToSortedArray();

    /// <summary>The last lines of the kernel's log and of the workers' stderr, oldest first; at most 1,000 are kept.</summary>
    /// <param name="last">How many at most.</param>
    /// <param name="after">Only those with a <see cref="BusLogEntry.Sequence"/> above this.</param>
    public IReadOnlyList<BusLogEntry> GetLog(int last = int.MaxValue, long after = 0) => _log.Read(after, last);

    /// <summary>Waits for a line of the log: true as soon as there is one that <see cref="GetLog"/> would give, false when the bus has ended and none came.</summary>
    /// <param name="after">The <see cref="BusLogEntry.Sequence"/> above which a line counts.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<bool> WaitForLogAsync(long after, CancellationToken cancellationToken = default) => _log.WaitAsync(after, cancellationToken);

    /// <summary>The workers as they are now, in the order of their ids; none when the bus does not run.</summary>
    public async Task<IReadOnlyList<BusWorker>> GetWorkersAsync(CancellationToken cancellationToken = default) =>
        await _backend.GetWorkersAsync().WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The workers as they are now, in the order of their ids; none when the bus does not run.</summary>
    public IReadOnlyList<BusWorker> GetWorkers() => _backend.GetWorkersAsync().GetAwaiter().GetResult();

    /// <summary>
    /// The last lines that the daemon of the Subprocess and the Docker backend wrote to its stderr, oldest first, as they
    /// were; a line is cut after 8 KiB. None on other backends.
    /// </summary>
    /// <param name="lines">How many at most; of those that <see cref="SubprocessOptions.StderrBufferLines"/> keeps, and with Docker of 200.</param>
    public IReadOnlyList<string> GetStderrTail(int lines = int.MaxValue) => _backend.GetStderrTail(lines);

    /// <summary>The name and the state.</summary>
    public override string ToString() => $"{Name} ({State})";

    internal BusCounters Counters => _counters;

    /// <summary>The first line of each worker that is no message.</summary>
    internal SkippedLines SkippedLines { get; } = new();

    private static long Clock() => Environment.TickCount64;

    private static string NewClientSessionId() =>
        $"client-{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}-{RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 6)}";

    /// <summary>The pool that a message is for; null when it is not there, or must be named.</summary>
    internal PoolInfo? PoolFor(string? id) => id is not null ? FindPool(id) : _pools.Length == 1 ? _pools[0] : null;

    /// <summary>The <c>pool</c> member, where the kernel takes no route beside the message.</summary>
    internal string? PoolInMessage(string? id) => _backend.RoutesBesideMessage ? null : id;

    private PoolInfo? FindPool(string id) => Array.Find(_pools, pool => pool.Id == id);

    private BusInvalidArgumentException UnknownPool(string id) =>
        new($"Pool: '{id}' is not a pool of the bus '{Name}'; its pools are {string.Join(", ", _pools.Select(pool => $"'{pool.Id}'"))}.");
}
