using System.Collections;
using System.Management.Automation;
using System.Security;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Makes a bus, starts its workers (unless -NoStart is given) and returns it. It becomes the current bus of this runspace, and goes when it is
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
    [ArgumentCompleter(typeof(WorkerCommandCompleter))]
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

    /// <summary>
    /// The params of a request initialize, as a hashtable, an object or JSON text. Each worker's process is sent it first, and
    /// gets anything else only once it has answered; where protocolVersion is a string, as in MCP, notifications/initialized
    /// follows. With -ConfigPath: of each pool that has no handshake in the file.
    /// </summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [Parameter(ParameterSetName = ConfigPathSet)]
    [InitializeParams]
    public object? Initialize { get; set; }

    /// <summary>
    /// JSON-RPC messages that each worker's process is sent first, for other handshakes than that of -Initialize: hashtables,
    /// objects or JSON text. One with an id is a request, whose answer is waited for.
    /// </summary>
    [Parameter(ParameterSetName = SinglePoolSet)]
    [Parameter(ParameterSetName = ConfigPathSet)]
    [HandshakeMessages]
    [AllowEmptyCollection]
    public object[]? Handshake { get; set; }

    /// <summary>The pools: from New-BusPool, or hashtables with its parameters as keys.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = PoolConfigSet)]
    [PoolOptions]
    [ValidateNotNullOrEmpty]
    public BusPool[] PoolConfig { get; set; } = [];

    /// <summary>A configuration file: the kernel's own format, or one with mcpServers.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ConfigPathSet)]
    [ValidateNotNullOrEmpty]
    public string ConfigPath { get; set; } = "";

    /// <summary>
    /// How the kernel is reached. Auto is Native, the kernel in this process. With Docker commands, scripts and folders are those
    /// of the image and are not looked for here.
    /// </summary>
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

    /// <summary>Whether and how the bus listens for clients of other processes. A listener is of the native backend.</summary>
    [Parameter]
    public ListenMode ListenMode { get; set; }

    /// <summary>With -ListenMode Tcp: the address. Default: 127.0.0.1. One that other machines may reach takes -AllowRemote and -AccessToken.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? TcpHost { get; set; }

    /// <summary>With -ListenMode Tcp: the port, required; 0 lets the system choose.</summary>
    [Parameter]
    public int TcpPort { get; set; }

    /// <summary>With -ListenMode Unix: the path of the socket, required.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? UnixPath { get; set; }

    /// <summary>With -ListenMode Tcp: what clients must show before anything else, as a SecureString or text of 1 to 1,024 bytes. It travels in clear text.</summary>
    [Parameter]
    [AccessToken]
    [ValidateNotNull]
    public SecureString? AccessToken { get; set; }

    /// <summary>With -ListenMode Tcp: lets the listener be on an address that other machines may reach; then -AccessToken is required.</summary>
    [Parameter]
    public SwitchParameter AllowRemote { get; set; }

    /// <summary>Options of the native backend: NativeOptions, or a hashtable with its properties.</summary>
    [Parameter]
    [NativeBackendOptions]
    public NativeOptions? NativeOption { get; set; }

    /// <summary>Options of the subprocess backend: SubprocessOptions, or a hashtable with its properties.</summary>
    [Parameter]
    [SubprocessBackendOptions]
    public SubprocessOptions? SubprocessOption { get; set; }

    /// <summary>Options of the docker backend: DockerOptions, or a hashtable with its properties. The container is removed with the bus.</summary>
    [Parameter]
    [DockerBackendOptions]
    public DockerOptions? DockerOption { get; set; }

    /// <summary>Options of the socket backend: SocketOptions, or a hashtable with its properties; with Reconnect a connection that was lost is made again.</summary>
    [Parameter]
    [SocketBackendOptions]
    public SocketOptions? SocketOption { get; set; }

    /// <summary>A file to which every message is appended, one JSON object a line, without the values of secrets. It is made for its owner alone where there is none.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? TracePath { get; set; }

    /// <summary>
    /// Sends a stdio_bus/hello after the start, for workers that know this handshake; for those of ACP and MCP there is
    /// -Initialize instead. For a bus of one pool; Connect-StdioBus does it with a pool and extensions of one's choice.
    /// </summary>
    [Parameter]
    public SwitchParameter Hello { get; set; }

    /// <summary>Leaves the bus as it was made, for Start-StdioBus.</summary>
    [Parameter]
    public SwitchParameter NoStart { get; set; }

    /// <summary>The name, unique among the open buses of the process. Default: bus1, bus2 and so on.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    private protected override void Begin()
    {
        if (Hello && NoStart)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                "-Hello: a bus that is not started cannot shake hands.", target: null, "Leave out -NoStart, or use Connect-StdioBus, which starts the bus."));
        }

        PoolHandshake.RequireOwnPools(this, Backend, Initialize, Handshake);
        RequireUse(nameof(SubprocessOption), SubprocessOption, BackendKind.Subprocess);
        RequireUse(nameof(DockerOption), DockerOption, BackendKind.Docker);
        RequireUse(nameof(SocketOption), SocketOption, BackendKind.Socket);
        RequireUse(nameof(NativeOption), NativeOption, BackendKind.Native);
    }

    private protected override void Process()
    {
        var paths = new WorkerPaths(this);
        foreach (BusPool pool in PoolsOfThisRecord(paths))
        {
            // What is in an image means nothing here.
            if (Backend == BackendKind.Docker)
            {
                _config.Pools.Add(pool);
                continue;
            }

            BusPool resolved = paths.Resolve(pool);
            paths.RequireCommand(resolved);
            _config.Pools.Add(resolved);
        }
    }

    private protected override void End()
    {
        string pools = string.Join(", ", _config.Pools.Select(pool => $"{pool.Id} ({pool.Instances} × {string.Join(' ', pool.ArgumentList.Prepend(pool.Command))})"));
        if (!ShouldProcess(pools, NoStart ? "Make a bus with the pools" : "Start a bus with the pools"))
            return;

        if (Hello && _config.Pools.Count > 1)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                $"-Hello: the bus has several pools ({string.Join(", ", _config.Pools.Select(pool => pool.Id))}), and a handshake is with one.",
                target: null, "Start it without -Hello, then use Connect-StdioBus -Pool."));
        }

        WriteConfigWarnings();
        Bus bus = Make();
        if (!NoStart)
            Start(bus);

        RunspaceBuses.Here.Add(bus);
        WriteObject(bus);
    }

    private protected override object? ErrorTarget => ParameterSetName switch
    {
        ConfigPathSet => ConfigPath,
        SinglePoolSet => Command,
        _ => PoolConfig,
    };

    private IEnumerable<BusPool> PoolsOfThisRecord(WorkerPaths paths)
    {
        switch (ParameterSetName)
        {
            case PoolConfigSet:
                return PoolConfig;
            case ConfigPathSet:
                string file = paths.Absolute(ConfigPath);
                if (!File.Exists(file))
                    throw new CommandFailedException(BusErrors.FileNotFound(ConfigPath, $"-ConfigPath: there is no file '{file}'."));
                BusConfig loaded = BusConfig.Load(file, out List<ConfigProblem> warnings);
                foreach (ConfigProblem warning in warnings)
                    WriteWarning($"{ConfigPath}: {warning.Path}: {warning.Message}");
                _config.Limits = loaded.Limits;
                foreach (BusPool pool in loaded.Pools.Where(pool => pool.Handshake.Count == 0))
                    pool.Handshake = PoolHandshake.Of(this, Initialize, Handshake);
                return loaded.Pools;
            default:
                return [new BusPool(Pool, Command, ArgumentList, Instances)
                {
                    WorkingDirectory = WorkingDirectory,
                    Envelope = Envelope,
                    Dialect = Dialect,
                    DefaultMethod = DefaultMethod,
                    Environment = EnvironmentVariablesAttribute.Read(Environment ?? new Hashtable()),
                    Handshake = PoolHandshake.Of(this, Initialize, Handshake),
                }];
        }
    }

    // A file's were told of as it was read.
    private void WriteConfigWarnings()
    {
        if (ParameterSetName == ConfigPathSet)
            return;
        foreach (ConfigProblem warning in _config.Check().Where(problem => problem.IsWarning))
            WriteWarning(warning.ToString());
    }

    private BusOptions Options()
    {
        var options = new BusOptions
        {
            Config = _config,
            Limits = Limit,
            Backend = Backend,
            Name = Name,
            Native = Native(),
            Subprocess = Subprocess(),
            Docker = Docker(),
            Socket = Socket(),
            TracePath = TracePath is null ? null : new WorkerPaths(this).Absolute(TracePath),
        };
        if (Timeout is not null)
            options.Timeout = Timeout;

        return options;
    }

    // The listener's parameters win over the same of -NativeOption.
    private NativeOptions? Native()
    {
        bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
        string[] listener = [nameof(ListenMode), nameof(TcpHost), nameof(TcpPort), nameof(UnixPath), nameof(AccessToken), nameof(AllowRemote)];
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
            AccessToken = AccessToken is null ? given.AccessToken : AccessTokenAttribute.Text(AccessToken),
            AllowRemote = IsGiven(nameof(AllowRemote)) ? AllowRemote : given.AllowRemote,
        };
    }

    private SubprocessOptions? Subprocess() => SubprocessOption is null ? null : new SubprocessOptions
    {
        BinaryPath = new WorkerPaths(this).AbsoluteProgram(SubprocessOption.BinaryPath),
        StderrBufferLines = SubprocessOption.StderrBufferLines,
    };

    private DockerOptions? Docker() => DockerOption is null ? null : new DockerOptions
    {
        Image = DockerOption.Image,
        PullPolicy = DockerOption.PullPolicy,
        EnginePath = new WorkerPaths(this).AbsoluteProgram(DockerOption.EnginePath),
        StartupTimeout = DockerOption.StartupTimeout,
        ContainerNamePrefix = DockerOption.ContainerNamePrefix,
        ExtraArgs = DockerOption.ExtraArgs,
        Environment = DockerOption.Environment,
    };

    private SocketOptions? Socket() => SocketOption is null ? null : new SocketOptions
    {
        Host = SocketOption.Host,
        Port = SocketOption.Port,
        UnixPath = SocketOption.UnixPath is null ? null : new WorkerPaths(this).Absolute(SocketOption.UnixPath),
        AccessToken = SocketOption.AccessToken,
        Reconnect = SocketOption.Reconnect,
    };

    // Options that nobody would read are a mistake. Auto may choose any backend but the socket's, which needs an address.
    private void RequireUse(string parameter, object? options, BackendKind backend)
    {
        if (options is null || Backend == backend || (Backend == BackendKind.Auto && backend != BackendKind.Socket))
            return;

        ThrowTerminatingError(BusErrors.InvalidArgument(
            $"-{parameter}: is of the {backend} backend, and -Backend is {Backend}.", options, $"Give -Backend {backend}, or leave -{parameter} out."));
    }

    private Bus Make()
    {
        try
        {
            return new Bus(Options());
        }
        catch (StdioBusException error)
        {
            ThrowTerminatingError(BusErrors.CannotStart(error, ErrorTarget));
            throw;
        }
    }

    private void Start(Bus bus)
    {
        try
        {
            WaitFor(Hello ? bus.ConnectAsync(new HelloParams(), cancellationToken: Cancellation) : bus.StartAsync(Cancellation), WatchLog(bus), bus);
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
            if (error is StdioBusException known)
                ThrowTerminatingError(BusErrors.CannotStart(known, ErrorTarget));

            throw;
        }
    }
}
