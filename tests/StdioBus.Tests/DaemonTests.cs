using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Daemons that are started, or reached, and those that cannot be.</summary>
public sealed class DaemonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-daemon-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "A22: a daemon that is not there is Unavailable, and its path is named")]
    public void A_missing_daemon_is_named()
    {
        string nowhere = Path.GetFullPath("/nowhere/stdio_bus");
        BusOptions options = Subprocess(nowhere);
        Assert.Contains(nowhere, Assert.Throws<BusUnavailableException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A program that ends before it is ready is Unavailable, with its exit code and what it wrote to stderr")]
    public async Task A_daemon_that_ends_at_once()
    {
        Bus bus = new(Subprocess(Script(OperatingSystem.IsWindows() ? "@echo no licence>&2\n@exit 7" : "echo 'no licence' >&2; exit 7")));
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Contains("exit code 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("no licence", error.Message, StringComparison.Ordinal);
        Assert.Equal(["no licence"], bus.GetStderrTail());
        Assert.Equal(BusState.Stopped, bus.State);
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "A worker's command that is not there fails the start, and says which")]
    public async Task A_missing_command_fails_the_start()
    {
        BusOptions options = TestWorkers.Options(new BusPool("p", Path.GetFullPath("/nowhere/worker")));
        options.Backend = BackendKind.Subprocess;
        await using var bus = new Bus(options);
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Contains(Path.GetFullPath("/nowhere/worker"), error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A23: the daemon's log is in its stderr tail, of which as many lines as asked for are kept")]
    public async Task The_daemons_stderr_is_kept()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        (options.Backend, options.Subprocess) = (BackendKind.Subprocess, new SubprocessOptions { StderrBufferLines = 2 });
        await using Bus bus = await TestWorkers.StartAsync(options);
        await bus.RequestAsync("stderr", new { lines = new[] { "first", "second", "third" } }).Soon();
        await Waiting.Until(() => bus.GetStderrTail().LastOrDefault()?.EndsWith("third", StringComparison.Ordinal) == true, "the last line is there");
        Assert.Equal(["second", "third"], bus.GetStderrTail().Select(line => line.Split(' ')[^1]));
        Assert.EndsWith("third", Assert.Single(bus.GetStderrTail(1)), StringComparison.Ordinal);
    }

    [Theory(DisplayName = "After the end of a bus neither its daemon, workers, guards nor files are left")]
    [InlineData("stop")]
    [InlineData("kill")]
    [InlineData("frozen")]
    public async Task Nothing_is_left(string end)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool("p", 2, "stubborn"));
        options.Backend = BackendKind.Subprocess;
        Bus bus = await TestWorkers.StartAsync(options);
        int descendant = (await bus.RequestAsync("descendant").Soon()).GetProperty("pid").GetInt32();
        int[] workers = [.. bus.GetWorkers().Select(worker => worker.ProcessId)];
        int daemon = OtherProcess.ParentOf(workers[0]);
        if (end == "frozen")
            OtherProcess.Freeze(daemon);
        await (end == "stop" ? bus.StopAsync(TimeSpan.FromSeconds(1)) : bus.KillAsync()).Soon();
        foreach (int process in new[] { daemon, descendant }.Concat(workers))
            await Waiting.Until(() => !OtherProcess.IsAlive(process), $"process {process} has ended");
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "The daemon is in a process group of its own, so that Ctrl+C in the host's terminal does not reach it")]
    public async Task The_daemon_is_not_of_the_hosts_terminal()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Backend = BackendKind.Subprocess;
        await using Bus bus = await TestWorkers.StartAsync(options);
        int daemon = OtherProcess.ParentOf(bus.GetWorkers()[0].ProcessId);
        Assert.Equal(daemon, OtherProcess.GroupOf(daemon));
        Assert.NotEqual(daemon, OtherProcess.GroupOf(Environment.ProcessId));
    }

    [Fact(DisplayName = "A configuration reaches the daemon whatever its size, through a pipe as well as through a file that is gone afterwards")]
    public void A_configuration_is_handed_over()
    {
        byte[] config = new byte[300_000];
        Random.Shared.NextBytes(config);
        foreach (bool throughPipe in ConfigHandover.HasPipe ? new[] { true, false } : [false])
        {
            using var handover = new ConfigHandover(config, throughPipe);
            Assert.Equal(config, ReadWhole(handover.Path));
            handover.Dispose();
            Assert.False(!throughPipe && Directory.Exists(Path.GetDirectoryName(handover.Path)));
        }

        // Nobody reads it.
        new ConfigHandover(config, ConfigHandover.HasPipe).Dispose();
    }

    [Fact(DisplayName = "A socket where nobody listens is Unavailable and named")]
    public async Task Nobody_listens()
    {
        foreach (SocketOptions socket in new SocketOptions[] { new() { UnixPath = Path.Combine(_folder, "none.sock") }, new() { Host = "127.0.0.1", Port = 1, AccessToken = "t" } })
        {
            await using var bus = new Bus(Socket(socket));
            var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
            Assert.Contains(socket.UnixPath ?? "127.0.0.1:1", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory(DisplayName = "Where no connection came about there is no end to wait for")]
    [InlineData(BackendKind.Subprocess, true)]
    [InlineData(BackendKind.Subprocess, false)]
    [InlineData(BackendKind.Socket, true)]
    [InlineData(BackendKind.Socket, false)]
    public async Task What_never_began_is_not_waited_for(BackendKind backend, bool start)
    {
        var bus = new Bus(backend == BackendKind.Socket ? Socket(new() { UnixPath = Path.Combine(_folder, "none.sock") }) : Subprocess(NoProgram()));
        if (start)
            await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        else
            await bus.KillAsync().Soon();
        ValueTask end = bus.DisposeAsync();
        Assert.True(end.IsCompleted, "the end is waited for");
        await end;
    }

    [Theory(DisplayName = "A wrong token, and none, is PolicyDenied; the message never has the token")]
    [InlineData(true, "wrong")]
    [InlineData(true, null)]
    [InlineData(false, null)]
    public async Task A_token_is_needed(bool daemonHasToken, string? token)
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: true, daemonHasToken);
        SocketOptions address = daemon.Address;
        address.AccessToken = token;
        await using var bus = new Bus(Socket(address));
        var error = await Assert.ThrowsAsync<BusPolicyException>(() => bus.StartAsync().Soon());
        Assert.Contains("AccessToken", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A configuration whose pools are not the daemon's is refused, with both lists")]
    public async Task The_pools_have_to_be_the_daemons()
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool("real", 2)), overTcp: false);
        await using var bus = new Bus(Socket(daemon.Address));
        var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.StartAsync().Soon());
        Assert.Contains("'real' with 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("'test' with 1", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "The end of a bus on a socket leaves the daemon to others, who can come before and after")]
    public async Task A_daemon_outlives_its_clients()
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: false);
        await using Bus stays = await TestWorkers.StartAsync(Socket(daemon.Address));
        for (int i = 0; i < 3; i++)
        {
            await using Bus comes = await TestWorkers.StartAsync(Socket(daemon.Address));
            await comes.RequestAsync("echo").Soon();
        }

        await stays.RequestAsync("echo").Soon();
        Assert.False(daemon.Process.HasExited);
    }

    [Theory(DisplayName = "Options that cannot be meant are refused by name")]
    [InlineData("Host", null, null, null, null)]
    [InlineData("Port", "localhost", null, null, null)]
    [InlineData("Port", "localhost", 65_536, null, null)]
    [InlineData("UnixPath", "localhost", 1, "/s", null)]
    [InlineData("UnixPath", null, null, "", null)]
    [InlineData("AccessToken", null, null, "/s", "t")]
    [InlineData("AccessToken", "localhost", 1, null, "")]
    public void Odd_options_are_refused(string named, string? host, int? port, string? path, string? token)
    {
        BusOptions options = Socket(new SocketOptions { Host = host, Port = port, UnixPath = path, AccessToken = token });
        Assert.StartsWith(named + ":", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
        options.Socket = null;
        Assert.StartsWith("Socket:", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
        options.Subprocess = new SubprocessOptions { StderrBufferLines = -1 };
        Assert.StartsWith("StderrBufferLines:", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    private static BusOptions Socket(SocketOptions socket)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        (options.Backend, options.Socket) = (BackendKind.Socket, socket);
        return options;
    }

    private static BusOptions Subprocess(string program)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        (options.Backend, options.Subprocess) = (BackendKind.Subprocess, new SubprocessOptions { BinaryPath = program });
        return options;
    }

    // A pipe has no length to go by.
    private static byte[] ReadWhole(string path)
    {
        using FileStream file = File.OpenRead(path);
        using var whole = new MemoryStream();
        file.CopyTo(whole);
        return whole.ToArray();
    }

    // A file that is there, but cannot be executed.
    private string NoProgram()
    {
        string path = Path.Combine(_folder, OperatingSystem.IsWindows() ? "text.exe" : "text");
        File.WriteAllText(path, "no program");
        return path;
    }

    private string Script(string text)
    {
        string path = Path.Combine(_folder, OperatingSystem.IsWindows() ? "program.cmd" : "program");
        File.WriteAllText(path, OperatingSystem.IsWindows() ? $"{text}\n" : $"#!/bin/sh\n{text}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }
}
