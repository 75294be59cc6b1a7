using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Buses in containers of a real engine: how they come about, who may come in, and what is left.</summary>
public sealed class DockerTests : IDisposable
{
    // A worker that is in every image of the daemon: it says nothing, and ends with its input.
    private static readonly BusPool Silent = new("silent", "/app/stdio_bus", ["--check", "--config-fd", "0"]);

    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-docker-").FullName;
    private readonly string _name = $"docker-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "A32: a container is the bus's own, by name and labels, has the options' environment, and is gone with the bus")]
    public async Task A_container_is_of_its_bus()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        DockerOptions docker = engine.OptionsWithWorkers();
        docker.ContainerNamePrefix = "my.bus";
        docker.Environment["TOLD"] = "a b";
        BusOptions options = Options(docker, new BusPool("sh", "/bin/sh", ["-c", "read line; echo \"$TOLD\" >&2; cat"]));
        await using Bus bus = await TestWorkers.StartAsync(options);
        Assert.Equal((BackendKind.Docker, 1, true), (bus.BackendKind, bus.WorkerCount, bus.IsConnected));
        string id = Assert.Single(await engine.ContainersOfAsync(_name));
        Assert.Matches("^/my\\.bus-[0-9a-f]{12}$", await engine.RunAsync("inspect", "--format", "{{.Name}}", id));
        Assert.Equal($"{Environment.ProcessId} {Environment.MachineName}", await engine.RunAsync("inspect", "--format", "{{index .Config.Labels \"stdiobus.host-pid\"}} {{index .Config.Labels \"stdiobus.host-name\"}}", id));
        Assert.Equal("65532:65532", await engine.RunAsync("inspect", "--format", "{{.Config.User}}", id));
        await bus.NotifyAsync("anything").Soon();
        await Waiting.Until(() => bus.GetLog().Any(entry => entry is { WorkerId: 0, Text: "a b" }), "the worker has told its variable");
        Assert.Contains(bus.GetStderrTail(), line => line.Contains("ready:", StringComparison.Ordinal));
        await bus.StopAsync().Soon();
        Assert.Empty(await engine.ContainersOfAsync(_name));
    }

    [Fact(DisplayName = "What is secret, token and configuration, is not in what the engine tells about the container, and in no file")]
    public async Task Secrets_are_not_told()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        var pool = new BusPool("silent", Silent.Command, Silent.ArgumentList);
        pool.Environment["KEY"] = "pool-secret";
        await using Bus bus = await TestWorkers.StartAsync(Options(engine.Options(), pool));
        string inspected = await engine.RunAsync("inspect", Assert.Single(await engine.ContainersOfAsync(_name)));
        Assert.DoesNotContain("pool-secret", inspected, StringComparison.Ordinal);
        JsonElement told = JsonDocument.Parse(inspected).RootElement[0];
        Assert.Equal(["--host-fd", "0", "--tcp", "0.0.0.0:8765", "--log-level", "info"], told.GetProperty("Args").EnumerateArray().Select(argument => argument.GetString()));
        Assert.Empty(told.GetProperty("Mounts").EnumerateArray());
    }

    [Theory(DisplayName = "A stranger who finds the port is refused without the token, whatever else he asks; the bus goes on")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"stdio_bus/auth","params":{"token":"guessed"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo"}""")]
    public async Task Strangers_are_refused(string line)
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        await using Bus bus = await TestWorkers.StartAsync(Options(engine.OptionsWithWorkers(), TestWorkers.Pool()));
        string[] address = (await engine.RunAsync("port", Assert.Single(await engine.ContainersOfAsync(_name)), "8765/tcp")).Split(':');
        Assert.Equal("127.0.0.1", address[0]);
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(address[0], int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture));
        await stranger.GetStream().WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
        using var answers = new StreamReader(stranger.GetStream());
        Assert.Contains("Not authorized", await answers.ReadLineAsync().Soon(), StringComparison.Ordinal);
        Assert.Null(await answers.ReadLineAsync().Soon());
        Assert.Equal("7", (await bus.RequestAsync("echo", new { n = 7 }).Soon()).GetProperty("n").GetRawText());
    }

    [Fact(DisplayName = "Two buses at once have containers of their own; the death of one is nothing to the other")]
    public async Task Two_buses_at_once()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        Task<Bus>[] starting = [.. Enumerable.Range(0, 2).Select(i => TestWorkers.StartAsync(Options(engine.OptionsWithWorkers(), $"{_name}-{i}", TestWorkers.Pool())))];
        await using Bus dies = await starting[0];
        await using Bus lives = await starting[1];
        Task<JsonElement> waiting = dies.RequestAsync("hold", new { key = "k" });
        await Waiting.Until(() => dies.GetWorkers()[0].Pending == 1, "the worker has the request");
        await engine.RunAsync("kill", Assert.Single(await engine.ContainersOfAsync($"{_name}-0")));
        var error = await Assert.ThrowsAsync<BusTransportException>(() => waiting.Soon());
        Assert.Contains("exit code 137", error.Message, StringComparison.Ordinal);
        Assert.Contains("ready:", error.Details, StringComparison.Ordinal);
        Assert.Empty(await engine.ContainersOfAsync($"{_name}-0"));
        await lives.RequestAsync("echo").Soon();
        Assert.Single(await engine.ContainersOfAsync($"{_name}-1"));
    }

    [Fact(DisplayName = "A container that is stopped from outside ends the bus, with the daemon's exit code")]
    public async Task A_container_that_is_stopped()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        await using Bus bus = await TestWorkers.StartAsync(Options(engine.Options(), Silent));
        var stopped = new TaskCompletionSource();
        bus.Stopped += (_, _) => stopped.SetResult();
        await engine.RunAsync("stop", Assert.Single(await engine.ContainersOfAsync(_name)));
        await stopped.Task.Soon();
        Assert.Equal(BusState.Stopped, bus.State);
        Assert.Contains("exit code 0", Assert.Single(bus.GetLog(), entry => entry.Level == BusLogLevel.Error).Text, StringComparison.Ordinal);
        Assert.Empty(await engine.ContainersOfAsync(_name));
    }

    [Fact(DisplayName = "A killed bus leaves no container; one that cannot drain is removed when its time is over")]
    public async Task Ends_leave_nothing()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        Bus killed = await TestWorkers.StartAsync(Options(engine.Options(), Silent));
        await killed.KillAsync().Soon();
        Assert.Empty(await engine.ContainersOfAsync(_name));
        await killed.DisposeAsync();
        Bus stubborn = await TestWorkers.StartAsync(Options(engine.OptionsWithWorkers(), TestWorkers.Pool("p", 1, "stubborn")));
        await stubborn.RequestAsync("echo").Soon();
        await stubborn.StopAsync(TimeSpan.FromMilliseconds(1)).Soon();
        Assert.Empty(await engine.ContainersOfAsync(_name));
        await stubborn.DisposeAsync();
    }

    [Fact(DisplayName = "Auto takes a container where neither the library nor the daemon is there; A21: it goes when its host is killed by SIGKILL")]
    public async Task A_killed_host_leaves_no_container()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        string program = Path.Combine(_folder, "host", Path.GetFileName(TestWorkers.Program));
        Directory.CreateDirectory(Path.GetDirectoryName(program)!);
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(TestWorkers.Program)!))
            File.Copy(file, Path.Combine(Path.GetDirectoryName(program)!, Path.GetFileName(file)));
        var start = new System.Diagnostics.ProcessStartInfo(program, ["container", engine.Program, DockerEngine.Image, _name]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var host = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("Docker", await host.StandardOutput.ReadLineAsync().Soon());
        string id = Assert.Single(await engine.ContainersOfAsync(_name));
        host.Kill();
        await host.WaitForExitAsync().Soon();
        await engine.WaitUntilGoneAsync(id);
    }

    [Fact(DisplayName = "The engine's command that is attached is in a process group of its own, so that Ctrl+C in the host's terminal does not reach it")]
    public async Task The_terminals_signals_are_not_the_buses()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        await using Bus bus = await TestWorkers.StartAsync(Options(engine.Options(), Silent));
        string id = await engine.RunAsync("ps", "--quiet", "--no-trunc", "--filter", $"label=stdiobus.bus={_name}");
        int attached = Assert.Single(
            Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, System.Globalization.CultureInfo.InvariantCulture)),
            process => CommandLine(process).EndsWith($"\0start\0--attach\0--interactive\0{id}\0", StringComparison.Ordinal));
        Assert.Equal(attached, OtherProcess.GroupOf(attached));
        Assert.NotEqual(attached, OtherProcess.GroupOf(Environment.ProcessId));
    }

    [Fact(DisplayName = "A start that is cancelled ends at once and leaves no container")]
    public async Task A_cancelled_start_leaves_nothing()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        await using var bus = new Bus(Options(Hanging(engine), Silent));
        using var cancel = new CancellationTokenSource();
        Task start = bus.StartAsync(cancel.Token);
        await engine.WaitUntilRunningAsync(_name);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.Soon());
        Assert.Empty(await engine.ContainersOfAsync(_name));
        Assert.Equal(BusState.Stopped, bus.State);
    }

    [Fact(DisplayName = "A daemon that does not serve in time is a timeout, and its container is gone")]
    public async Task A_start_that_takes_too_long()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        DockerOptions docker = Hanging(engine);
        docker.StartupTimeout = TimeSpan.FromSeconds(3);
        await using var bus = new Bus(Options(docker, Silent));
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => bus.StartAsync().Soon());
        Assert.Contains("StartupTimeout, 3 s", error.Message, StringComparison.Ordinal);
        Assert.Empty(await engine.ContainersOfAsync(_name));
    }

    [Fact(DisplayName = "A worker that is not in the image fails the start with the daemon's log")]
    public async Task A_missing_worker_is_told()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        var error = await FailedStartAsync(engine, Options(engine.Options(), new BusPool("p", "/nowhere/worker")));
        Assert.Contains("exit code 1 before it was ready", error.Message, StringComparison.Ordinal);
        Assert.Contains("/nowhere/worker", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "An image without the daemon, arguments that the engine refuses, and a network without ports fail the start with the reason")]
    public async Task Other_failures_are_told()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        Assert.Contains("/nowhere", (await FailedStartAsync(engine, Options(With(engine.Options(), "--entrypoint", "/nowhere"), Silent))).Message, StringComparison.Ordinal);
        Assert.Contains("--no-such-option", (await FailedStartAsync(engine, Options(With(engine.Options(), "--no-such-option"), Silent))).Message, StringComparison.Ordinal);
        Assert.Contains("on no loopback port", (await FailedStartAsync(engine, Options(With(engine.Options(), "--network", "none"), Silent))).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A32: an image is never pulled, pulled when it is not there, or pulled before every start, as the policy says")]
    public async Task Pull_policies()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        await using ImageRegistry registry = await ImageRegistry.StartAsync(engine, DockerEngine.Image, _folder);
        DockerOptions docker = engine.Options();
        docker.Image = registry.Image;
        var missing = await FailedStartAsync(engine, Options(docker, Silent));
        Assert.Contains($"The image '{registry.Image}' is not there, and PullPolicy is Never", missing.Message, StringComparison.Ordinal);
        Assert.Equal(0, registry.Pulls);
        foreach ((PullPolicy policy, int pulls) in new[] { (PullPolicy.IfMissing, 1), (PullPolicy.IfMissing, 1), (PullPolicy.Never, 1), (PullPolicy.Always, 2), (PullPolicy.Always, 3) })
        {
            docker.PullPolicy = policy;
            await using Bus bus = await TestWorkers.StartAsync(Options(docker, Silent));
            Assert.Equal(pulls, registry.Pulls);
        }

        docker.Image = registry.Image + "-not";
        var unknown = await FailedStartAsync(engine, Options(docker, Silent));
        Assert.Contains($"The image '{docker.Image}' cannot be pulled", unknown.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "An engine that is not there is Unavailable and named, one that nobody serves says so")]
    public async Task Missing_engines()
    {
        foreach (string program in new[] { "/nowhere/docker", "no-such-engine" })
        {
            BusOptions options = Options(new DockerOptions { Image = "i", EnginePath = program }, Silent);
            Assert.Contains($"'{program}'", Assert.Throws<BusUnavailableException>(() => new Bus(options)).Message, StringComparison.Ordinal);
        }

        _ = await DockerEngine.GetAsync();
        string unserved = Script($"exec {DockerEngine.FindOnPath("docker")} --host unix://{_folder}/none.sock \"$@\"");
        await using var bus = new Bus(Options(new DockerOptions { Image = "i", EnginePath = unserved }, Silent));
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Contains($"The container engine '{unserved}' does not answer", error.Message, StringComparison.Ordinal);
        Assert.Contains("none.sock", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "The image on its own serves the configuration and the token that are mounted, is healthy, and a bus reaches it over its socket")]
    public async Task The_image_serves_on_its_own()
    {
        DockerEngine engine = await DockerEngine.GetAsync();
        string config = Path.Combine(_folder, "config.json");
        string token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(config, new BusConfig(Silent).ToJson());
        await File.WriteAllTextAsync(token, "the token\n");
        string id = await engine.RunAsync(
            "run", "--detach", "--rm", "--label", $"stdiobus.bus={_name}", "--publish", "127.0.0.1::8765", "--health-interval", "1s",
            "--volume", $"{config}:/app/config.json:ro", "--volume", $"{token}:/app/token:ro", DockerEngine.Image);
        try
        {
            await engine.WaitUntilHealthyAsync(id);
            string[] address = (await engine.RunAsync("port", id, "8765/tcp")).Split(':');
            BusOptions options = TestWorkers.Options(Silent);
            (options.Backend, options.Socket) = (BackendKind.Socket, new SocketOptions { Host = address[0], Port = int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture), AccessToken = "the token" });
            await using Bus bus = await TestWorkers.StartAsync(options);
            Assert.Equal(1, bus.WorkerCount);
        }
        finally
        {
            await engine.RunAsync("rm", "--force", id);
        }
    }

    [Theory(DisplayName = "Docker options that cannot be meant are refused by name")]
    [MemberData(nameof(Odd))]
    public void Odd_options_are_refused(string named, Action<DockerOptions> change)
    {
        var docker = new DockerOptions { Image = "i" };
        change(docker);
        BusOptions options = Options(docker, Silent);
        Assert.StartsWith(named + ":", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<DockerOptions>> Odd => new()
    {
        { "Image", docker => docker.Image = null },
        { "Image", docker => docker.Image = "" },
        { "Image", docker => docker.Image = "--privileged" },
        { "Image", docker => docker.Image = "a b" },
        { "PullPolicy", docker => docker.PullPolicy = (PullPolicy)3 },
        { "EnginePath", docker => docker.EnginePath = "" },
        { "StartupTimeout", docker => docker.StartupTimeout = TimeSpan.FromSeconds(-2) },
        { "StartupTimeout", docker => docker.StartupTimeout = TimeSpan.FromDays(50) },
        { "ContainerNamePrefix", docker => docker.ContainerNamePrefix = "" },
        { "ContainerNamePrefix", docker => docker.ContainerNamePrefix = "-x" },
        { "ContainerNamePrefix", docker => docker.ContainerNamePrefix = "a/b" },
        { "ExtraArgs[1]", docker => docker.ExtraArgs = ["--init", ""] },
        { "Environment", docker => docker.Environment["A=B"] = "c" },
        { "Environment", docker => docker.Environment["A"] = null! },
    };

    [Fact(DisplayName = "The Docker backend without options says what it needs")]
    public void Options_are_needed()
    {
        BusOptions options = Options(null, Silent);
        Assert.StartsWith("Docker:", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    // A process may end while it is looked at.
    private static string CommandLine(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static DockerOptions With(DockerOptions options, params string[] extra)
    {
        options.ExtraArgs = [.. options.ExtraArgs, .. extra];
        return options;
    }

    // A program in place of the daemon that neither serves nor ends.
    private DockerOptions Hanging(DockerEngine engine) => With(engine.OptionsWithWorkers(), "--volume", $"{Script("exec sleep 300")}:/hang:ro", "--entrypoint", "/hang");

    private async Task<StdioBusException> FailedStartAsync(DockerEngine engine, BusOptions options)
    {
        await using var bus = new Bus(options);
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Equal((BusState.Stopped, BusErrorCode.Unavailable), (bus.State, error.Code));
        Assert.Empty(await engine.ContainersOfAsync(_name));
        return error;
    }

    private string Script(string text)
    {
        string path = Path.Combine(_folder, $"program-{Guid.NewGuid():N}");
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    private BusOptions Options(DockerOptions? docker, params BusPool[] pools) => Options(docker, _name, pools);

    private static BusOptions Options(DockerOptions? docker, string name, params BusPool[] pools)
    {
        BusOptions options = TestWorkers.Options(pools);
        (options.Backend, options.Docker, options.Name) = (BackendKind.Docker, docker, name);
        return options;
    }
}
