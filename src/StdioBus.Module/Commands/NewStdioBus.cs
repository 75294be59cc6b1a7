using System.Collections;
using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Makes a bus, starts its workers and returns it. It becomes the current bus of this runspace, and goes when it is
/// removed, when the module is removed here, or when the process ends.
/// </summary>
[Cmdlet(VerbsCommon.New, "StdioBus", DefaultParameterSetName = SinglePoolSet, SupportsShouldProcess = true)]
[OutputType(typeof(Bus))]
public sealed class NewStdioBusCommand : BusCmdlet
{
    private const string SinglePoolSet = "Pool";
    private const string PoolConfigSet = "PoolConfig";
    private const string ConfigPathSet = "ConfigPath";

    private readonly BusConfig _config = new();

    /// <summary>The name of the only pool.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = SinglePoolSet)]
    [ValidateNotNullOrEmpty]
    public string Pool { get; set; } = "";

    /// <summary>
    /// The program of its workers: a path, a name that is looked up on PATH, or what Get-Command gives for one. A script
    /// (.ps1) runs in the current pwsh with -NoProfile -NonInteractive.
    /// </summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = SinglePoolSet)]
    [WorkerCommand]
    [ValidateNotNullOrEmpty]
    public string Command { get; set; } = "";

    /// <summary>The program's arguments, passed as they are: nothing is split or expanded.</summary>
    [Parameter(Position = 2, ParameterSetName = SinglePoolSet)]
    [AllowEmptyCollection]
    [AllowEmptyString]
    [Alias("Args")]
    public string[] ArgumentList { get; set; } = [];

    /// <summary>How many workers run.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [ValidateRange(1, int.MaxValue)]
    public int Instances { get; set; } = 1;

    /// <summary>Environment variables added to those the workers inherit.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [EnvironmentVariables]
    public IDictionary? Environment { get; set; }

    /// <summary>The folder the workers start in. Default: the location of this runspace.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [ValidateNotNullOrEmpty]
    public string? WorkingDirectory { get; set; }

    /// <summary>Standard is JSON-RPC and nothing else. StdioBus adds sessionId, agentId and _ext to each message.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    public EnvelopeKind Envelope { get; set; }

    /// <summary>How a worker is told that a request was given up. Auto tells by its initialize request.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    public Dialect Dialect { get; set; }

    /// <summary>The method of requests that name only the pool. Default: the pool's id.</summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [ValidateNotNullOrEmpty]
    public string? DefaultMethod { get; set; }

    /// <summary>The pools: from New-BusPool, or hashtables with its parameters as keys.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = PoolConfigSet)]
    [PoolOptions]
    [ValidateNotNullOrEmpty]
    public BusPool[] PoolConfig { get; set; } = [];

    /// <summary>A configuration file: the kernel's own format, or one with mcpServers.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ConfigPathSet)]
    [ValidateNotNullOrEmpty]
    public string ConfigPath { get; set; } = "";

    /// <summary>How the kernel is reached. Auto is Native, the kernel in this process.</summary>
    [Parameter]
    public BackendKind Backend { get; set; }

    /// <summary>The total deadline of requests that name none: a TimeSpan or seconds; 0 or Infinite for none. Default: 30 seconds.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Limits, which win over those of a configuration file: BusLimits, or a hashtable with its properties.</summary>
    [Parameter]
    [LimitOptions]
    public BusLimits? Limit { get; set; }

    /// <summary>Whether and how the bus listens for clients of other processes.</summary>
    [Parameter]
    public ListenMode ListenMode { get; set; }

    /// <summary>With -ListenMode Tcp: the address. Default: 127.0.0.1.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? TcpHost { get; set; }

    /// <summary>With -ListenMode Tcp: the port; 0 lets the system choose.</summary>
    [Parameter]
    public int TcpPort { get; set; }

    /// <summary>With -ListenMode Unix: the path of the socket.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? UnixPath { get; set; }

    /// <summary>Options of the native backend: NativeOptions, or a hashtable with its properties.</summary>
    [Parameter]
    [NativeBackendOptions]
    public NativeOptions? NativeOption { get; set; }

    /// <summary>The name, unique among the open buses of the process. Default: bus1, bus2 and so on.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    private protected override void Process()
    {
        var paths = new WorkerPaths(this);
        foreach (BusPool pool in PoolsOfThisRecord(paths))
        {
            BusPool resolved = paths.Resolve(pool);
            paths.RequireCommand(resolved);
            _config.Pools.Add(resolved);
        }
    }

    private protected override void End()
    {
        string pools = string.Join(", ", _config.Pools.Select(pool => $"{pool.Id} ({pool.Instances} × {pool.Command})"));
        if (!ShouldProcess(pools, "Start a bus with the pools"))
            return;

        var bus = new Bus(Options());
        Start(bus);
        RunspaceBuses.Here.Add(bus);
        WriteObject(bus);
    }

    private IEnumerable<BusPool> PoolsOfThisRecord(WorkerPaths paths)
    {
        switch (ParameterSetName)
        {
            case PoolConfigSet:
                return PoolConfig;
            case ConfigPathSet:
                BusConfig loaded = BusConfig.Load(paths.Absolute(ConfigPath));
                _config.Limits = loaded.Limits;
                return loaded.Pools;
            default:
                return [new BusPool(Pool, Command, ArgumentList, Instances)
                {
                    WorkingDirectory = WorkingDirectory,
                    Envelope = Envelope,
                    Dialect = Dialect,
                    DefaultMethod = DefaultMethod,
                    Environment = EnvironmentVariablesAttribute.Read(Environment ?? new Hashtable()),
                }];
        }
    }

    private BusOptions Options()
    {
        var options = new BusOptions { Config = _config, Limits = Limit, Backend = Backend, Name = Name, Native = Native() };
        if (Timeout is not null)
            options.Timeout = Timeout;

        return options;
    }

    // The listener's parameters win over the same of -NativeOption.
    private NativeOptions? Native()
    {
        bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
        string[] listener = [nameof(ListenMode), nameof(TcpHost), nameof(TcpPort), nameof(UnixPath)];
        if (NativeOption is null && !listener.Any(IsGiven))
            return null;

        NativeOptions given = NativeOption ?? new NativeOptions();
        string? unixPath = UnixPath ?? given.UnixPath;
        return new NativeOptions
        {
            LibraryPath = given.LibraryPath is null ? null : new WorkerPaths(this).Absolute(given.LibraryPath),
            PollInterval = given.PollInterval,
            LogLevel = given.LogLevel,
            ListenMode = IsGiven(nameof(ListenMode)) ? ListenMode : given.ListenMode,
            TcpHost = TcpHost ?? given.TcpHost,
            TcpPort = IsGiven(nameof(TcpPort)) ? TcpPort : given.TcpPort,
            UnixPath = unixPath is null ? null : new WorkerPaths(this).Absolute(unixPath),
        };
    }

    private void Start(Bus bus)
    {
        try
        {
            WaitFor(bus.StartAsync(Cancellation), WatchLog(bus));
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            // The user waits for the prompt, not for the workers' end.
            _ = BusRemoval.KillAsync(bus);
            throw;
        }
        catch (Exception error)
        {
            BusRemoval.KillAsync(bus).GetAwaiter().GetResult();
            if (error is BusUnavailableException unavailable)
                ThrowTerminatingError(BusErrors.CannotStart(unavailable));

            throw;
        }
    }
}
