namespace StdioBus;

/// <summary>
/// Builds buses. Setters chain, the last of several wins, and nothing is checked before a build. It may build any
/// number of buses.
/// </summary>
public sealed class StdioBusBuilder
{
    private readonly List<BusPool> _pools = [];
    private BusConfig? _config;
    private string? _configPath;
    private BusLimits? _limits;
    private BackendKind _backend = BackendKind.Auto;
    private TimeSpan? _timeout = new BusOptions().Timeout;
    private NativeOptions? _native;
    private string? _name;

    /// <summary>The configuration.</summary>
    public StdioBusBuilder Config(BusConfig? config)
    {
        _config = config;
        return this;
    }

    /// <summary>The configuration's file.</summary>
    public StdioBusBuilder ConfigPath(string? path)
    {
        _configPath = path;
        return this;
    }

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
    public StdioBusBuilder Limits(BusLimits? limits)
    {
        _limits = limits;
        return this;
    }

    /// <summary>How the kernel is reached.</summary>
    public StdioBusBuilder Backend(BackendKind backend)
    {
        _backend = backend;
        return this;
    }

    /// <summary>The total deadline of requests that name none; zero or infinite: none.</summary>
    public StdioBusBuilder Timeout(TimeSpan timeout)
    {
        _timeout = timeout;
        return this;
    }

    /// <summary>Options of the native backend.</summary>
    public StdioBusBuilder Native(NativeOptions? options)
    {
        _native = options;
        return this;
    }

    /// <summary>The same as <see cref="Native"/>.</summary>
    public StdioBusBuilder NativeOptions(NativeOptions? options) => Native(options);

    /// <summary>The bus's name.</summary>
    public StdioBusBuilder Name(string? name)
    {
        _name = name;
        return this;
    }

    /// <summary>Makes a bus; it is not started.</summary>
    /// <exception cref="StdioBusException">The settings are unusable.</exception>
    public Bus Build() => new(new BusOptions
    {
        Config = EffectiveConfig(),
        ConfigPath = _configPath,
        Limits = _limits,
        Backend = _backend,
        Timeout = _timeout,
        Native = _native,
        Name = _name,
    });

    /// <summary>Makes a bus for synchronous callers; it is not started.</summary>
    /// <exception cref="StdioBusException">The settings are unusable.</exception>
    public BlockingBus BuildSync() => new(Build());

    // Pools given one by one come after those of the configuration, or replace those with their id.
    private BusConfig? EffectiveConfig()
    {
        if (_pools.Count == 0)
            return _config;
        if (_config is null)
            return new BusConfig { Pools = [.. _pools] };
        return new BusConfig
        {
            Pools = [.. _config.Pools.Where(pool => !_pools.Exists(other => other.Id == pool.Id)), .. _pools],
            Limits = _config.Limits,
        };
    }
}
