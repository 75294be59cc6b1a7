namespace StdioBus;

/// <summary>
/// Builds buses. Setters chain, the last of several wins, and nothing is checked before a build. It may build any
/// number of buses.
/// </summary>
public sealed class StdioBusBuilder
{
    private readonly List<BusPool> _pools = [];
    private readonly BusOptions _options = new();

    /// <summary>The configuration.</summary>
    public StdioBusBuilder Config(BusConfig? config) => Set(options => options.Config = config);

    /// <summary>The configuration's file.</summary>
    public StdioBusBuilder ConfigPath(string? path) => Set(options => options.ConfigPath = path);

    /// <summary>Adds a pool, in place of an earlier one with this id.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="command">The program.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="instances">How many workers.</param>
    public StdioBusBuilder Pool(string id, string command, IEnumerable<string>? args = null, int instances = 1) =>
        Pool(new BusPool(id, command, args, instances));

    /// <summary>Adds a pool, in place of an earlier one with this id.</summary>
    public StdioBusBuilder Pool(BusPool pool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        int earlier = _pools.FindIndex(other => other.Id == pool.Id);
        if (earlier < 0)
            _pools.Add(pool);
        else
            _pools[earlier] = pool;
        return this;
    }

    /// <summary>Limits that win over those of the configuration.</summary>
    public StdioBusBuilder Limits(BusLimits? limits) => Set(options => options.Limits = limits);

    /// <summary>How the kernel is reached.</summary>
    public StdioBusBuilder Backend(BackendKind backend) => Set(options => options.Backend = backend);

    /// <summary>The total deadline of requests that name none; zero or infinite: none.</summary>
    public StdioBusBuilder Timeout(TimeSpan timeout) => Set(options => options.Timeout = timeout);

    /// <summary>The total deadline of requests that name none, in seconds; zero or infinite: none.</summary>
    public StdioBusBuilder Timeout(double seconds) => Timeout(Seconds(seconds));

    /// <summary>The idle deadline of requests that name none; zero or infinite: none.</summary>
    public StdioBusBuilder IdleTimeout(TimeSpan timeout) => Set(options => options.IdleTimeout = timeout);

    /// <summary>The idle deadline of requests that name none, in seconds; zero or infinite: none.</summary>
    public StdioBusBuilder IdleTimeout(double seconds) => IdleTimeout(Seconds(seconds));

    /// <inheritdoc cref="BusOptions.Retry"/>
    public StdioBusBuilder Retry(RetryOptions? options) => Set(all => all.Retry = options);

    /// <summary>Whether requests carry the trace they are part of; see <see cref="BusOptions.PropagateTraceContext"/>.</summary>
    public StdioBusBuilder PropagateTraceContext(bool propagate = true) => Set(options => options.PropagateTraceContext = propagate);

    /// <summary>A file for all messages, or null; see <see cref="BusOptions.TracePath"/>.</summary>
    public StdioBusBuilder TracePath(string? path) => Set(options => options.TracePath = path);

    /// <summary>Names whose values the trace does not show; see <see cref="BusOptions.TraceRedactedKeys"/>.</summary>
    public StdioBusBuilder TraceRedactedKeys(IReadOnlyList<string>? keys) => Set(options => options.TraceRedactedKeys = keys);

    /// <summary>Options of the native backend.</summary>
    public StdioBusBuilder Native(NativeOptions? options) => Set(all => all.Native = options);

    /// <summary>The same as <see cref="Native"/>.</summary>
    public StdioBusBuilder NativeOptions(NativeOptions? options) => Native(options);

    /// <summary>Options of the backend that runs the daemon as a child process.</summary>
    public StdioBusBuilder Subprocess(SubprocessOptions? options) => Set(all => all.Subprocess = options);

    /// <summary>Options of the backend that runs the daemon in a container.</summary>
    public StdioBusBuilder Docker(DockerOptions? options) => Set(all => all.Docker = options);

    /// <summary>Options of the backend that reaches a running daemon.</summary>
    public StdioBusBuilder Socket(SocketOptions? options) => Set(all => all.Socket = options);

    /// <summary>The bus's name.</summary>
    public StdioBusBuilder Name(string? name) => Set(options => options.Name = name);

    /// <inheritdoc cref="BusOptions.SingleStream"/>
    public StdioBusBuilder SingleStream(bool single = true) => Set(options => options.SingleStream = single);

    /// <inheritdoc cref="BusOptions.StreamOverflowBytes"/>
    public StdioBusBuilder StreamOverflowBytes(long bytes) => Set(options => options.StreamOverflowBytes = bytes);

    /// <inheritdoc cref="BusOptions.StreamQueue"/>
    public StdioBusBuilder StreamQueue(int events) => Set(options => options.StreamQueue = events);

    /// <inheritdoc cref="BusOptions.Roots"/>
    public StdioBusBuilder Roots(params BusRoot[]? roots) => Set(options => options.Roots = roots);

    /// <inheritdoc cref="BusOptions.RejectPermissions"/>
    public StdioBusBuilder RejectPermissions(bool reject = true) => Set(options => options.RejectPermissions = reject);

    /// <summary>Makes a bus; it is not started.</summary>
    /// <exception cref="StdioBusException">The settings are unusable.</exception>
    public Bus Build() => new(ToOptions());

    /// <summary>Makes a bus for synchronous callers; it is not started.</summary>
    /// <exception cref="StdioBusException">The settings are unusable.</exception>
    public BlockingBus BuildSync() => new(Build());

    /// <summary>What a build makes a bus from.</summary>
    internal BusOptions ToOptions()
    {
        BusOptions options = _options.Copy();
        options.Config = EffectiveConfig();
        return options;
    }

    private StdioBusBuilder Set(Action<BusOptions> change)
    {
        change(_options);
        return this;
    }

    // What is no time at all is a build's to refuse, as a negative one is.
    private static TimeSpan Seconds(double seconds) =>
        double.IsNaN(seconds) ? TimeSpan.MinValue
        : Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds)
        : seconds > 0 ? System.Threading.Timeout.InfiniteTimeSpan
        : TimeSpan.MinValue;

    // Pools given one by one come after those of the configuration, or replace those with their id.
    private BusConfig? EffectiveConfig()
    {
        BusConfig? config = _options.Config;
        if (_pools.Count == 0)
            return config;
        if (config is null)
            return new BusConfig { Pools = [.. _pools] };
        return new BusConfig
        {
            Pools = [.. config.Pools.Where(pool => !_pools.Exists(other => other.Id == pool.Id)), .. _pools],
            Limits = config.Limits,
        };
    }
}
