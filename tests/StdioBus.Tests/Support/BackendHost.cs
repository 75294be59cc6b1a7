namespace StdioBus.Tests.Support;

/// <summary>A bus that reaches its kernel in one of the ways there are.</summary>
internal sealed class BackendHost : IAsyncDisposable
{
    private RunningDaemon? _daemon;
    private DockerEngine? _engine;

    /// <summary>The ways, by name.</summary>
    public static TheoryData<string> All { get; } = ["Native", "Subprocess", "Unix", "Tcp", "Docker"];

    /// <summary>Those in which the kernel is another process.</summary>
    public static TheoryData<string> Remote { get; } = ["Subprocess", "Unix", "Tcp", "Docker"];

    /// <summary>The running bus.</summary>
    public required Bus Bus { get; init; }

    /// <summary>Starts a bus of these pools.</summary>
    public static Task<BackendHost> StartAsync(string way, params BusPool[] pools) => StartAsync(way, TestWorkers.Options(pools.Length == 0 ? [TestWorkers.Pool()] : pools));

    /// <summary>Starts a bus with these options.</summary>
    public static async Task<BackendHost> StartAsync(string way, BusOptions options)
    {
        RunningDaemon? daemon = null;
        if (way is "Unix" or "Tcp")
        {
            Assert.SkipUnless(way == "Tcp" || RunningDaemon.HasUnixSockets, "this system has no Unix sockets");
            options.Config!.Limits = options.Limits;
            daemon = await RunningDaemon.StartAsync(options.Config, overTcp: way == "Tcp");
            options.Socket = daemon.Address;
        }

        DockerEngine? engine = null;
        if (way == "Docker")
        {
            engine = await DockerEngine.GetAsync();
            options.Docker = engine.OptionsWithWorkers();
        }

        options.Backend = way switch { "Native" => BackendKind.Native, "Subprocess" => BackendKind.Subprocess, "Docker" => BackendKind.Docker, _ => BackendKind.Socket };
        return new BackendHost { Bus = await TestWorkers.StartAsync(options), _daemon = daemon, _engine = engine };
    }

    /// <summary>Ends the kernel by SIGKILL, where it is a process of its own.</summary>
    public async Task KillDaemonAsync()
    {
        if (_engine is not null)
        {
            await _engine.RunAsync("kill", Assert.Single(await _engine.ContainersOfAsync(Bus.Name)));
            return;
        }

        int worker = (await Bus.GetWorkersAsync().Soon())[0].ProcessId;
        using var daemon = System.Diagnostics.Process.GetProcessById(OtherProcess.ParentOf(worker));
        Assert.Equal("stdio_bus", daemon.ProcessName);
        daemon.Kill();
    }

    public async ValueTask DisposeAsync()
    {
        await Bus.DisposeAsync();
        if (_daemon is not null)
            await _daemon.DisposeAsync();
    }
}
