using System.Diagnostics;
using System.Runtime.InteropServices;
using StdioBus.Tests.Support;

[assembly: AssemblyFixture(typeof(DockerEngine.End))]

namespace StdioBus.Tests.Support;

/// <summary>
/// A container engine of the tests' own: <c>dockerd</c> with all that it keeps in one folder. It is started when the first
/// test asks for it, and ended, with everything it keeps, behind the last.
/// </summary>
internal sealed class DockerEngine
{
    /// <summary>With it set, a machine where no engine can be had fails the tests where it would skip them.</summary>
    private const string RequireVariable = "STDIOBUS_REQUIRE_DOCKER";

    private static readonly Lazy<Task<(DockerEngine? Engine, string? Missing)>> Shared = new(StartAsync);

    // Short, for a path below it is that of a Unix socket.
    private readonly string _folder = Directory.CreateTempSubdirectory("sbd-").FullName;
    private readonly bool _hadBridge = Directory.Exists("/sys/class/net/docker0");
    private Process? _daemon;

    private DockerEngine() => Program = Path.Combine(_folder, "docker");

    /// <summary>The image of the daemon alone, made from kernel/Containerfile.</summary>
    public const string Image = "stdio-bus-test";

    /// <summary>A program that is docker, but always asks this engine.</summary>
    public string Program { get; }

    /// <summary>The engine; skips the test where there is none.</summary>
    public static async Task<DockerEngine> GetAsync()
    {
        (DockerEngine? engine, string? missing) = await Shared.Value;
        if (engine is not null)
            return engine;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RequireVariable)), $"{RequireVariable} is set, but {missing}.");
        Assert.Skip(missing!);
        throw new InvalidOperationException();
    }

    /// <summary>Options of a bus in a container of this engine.</summary>
    public DockerOptions Options() => new() { Image = Image, PullPolicy = PullPolicy.Never, EnginePath = Program, StartupTimeout = TestWorkers.Patience };

    /// <summary>The same, in a container that has the programs of this machine.</summary>
    public DockerOptions OptionsWithWorkers() => WithWorkers(Options());

    /// <summary>
    /// Gives a container the programs of this machine at their own places, so that the test worker runs there by its own path.
    /// Nothing of them can be written to.
    /// </summary>
    public static DockerOptions WithWorkers(DockerOptions options)
    {
        string runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        foreach (string folder in new[] { "/usr", "/bin", "/lib", "/lib64", runtime, Repository.Root }.Where(Directory.Exists))
            options.ExtraArgs = [.. options.ExtraArgs, "--volume", $"{folder}:{folder}:ro"];
        options.ExtraArgs = [.. options.ExtraArgs, "--tmpfs", "/tmp"];
        options.Environment["DOTNET_ROOT"] = runtime;
        options.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1";
        return options;
    }

    /// <summary>Runs a command of the engine, which has to succeed, and gives what it wrote.</summary>
    public Task<string> RunAsync(params string[] arguments) => RunProgramAsync(Program, arguments);

    /// <summary>The ids of the containers, in whatever state, of the buses with this name.</summary>
    public async Task<string[]> ContainersOfAsync(string bus) =>
        (await RunAsync("ps", "--all", "--quiet", "--filter", $"label=stdiobus.bus={bus}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Waits until the container of the bus with this name runs.</summary>
    public async Task WaitUntilRunningAsync(string bus)
    {
        using Events events = Follow("start", $"label=stdiobus.bus={bus}");
        await events.NextAsync();
    }

    /// <summary>Waits until a container's own check finds it healthy.</summary>
    public async Task WaitUntilHealthyAsync(string id)
    {
        using Events events = Follow("health_status: healthy", $"container={id}");
        await events.NextAsync();
    }

    /// <summary>Waits until a container has been removed.</summary>
    public async Task WaitUntilGoneAsync(string id)
    {
        using Events events = Follow("destroy", $"container={id}");
        await events.NextAsync();
    }

    private Events Follow(string what, string filter) =>
        new(Process.Start(new ProcessStartInfo(Program, ["events", "--since", "1m", "--filter", $"event={what}", "--filter", filter]) { RedirectStandardOutput = true })!);

    /// <summary>Runs a program, which has to succeed, and gives what it wrote.</summary>
    internal static async Task<string> RunProgramAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().Soon();
        await process.WaitForExitAsync().Soon();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await error}");
        return output.Trim();
    }

    private static async Task<(DockerEngine? Engine, string? Missing)> StartAsync()
    {
        string daemon = Path.Combine(Repository.Root, "kernel", "dist", "linux-musl-amd64", "stdio_bus");
        string? missing = !OperatingSystem.IsLinux() ? "a container engine is started on Linux only"
            : Environment.UserName != "root" ? "starting a container engine takes root"
            : FindOnPath("dockerd") is null || FindOnPath("docker") is null ? "docker and dockerd are not on PATH"
            : !File.Exists(daemon) ? $"'{daemon}', the daemon for the image, is not there"
            : null;
        if (missing is not null)
            return (null, missing);
        var engine = new DockerEngine();
        if (await engine.StartDaemonAsync() is { } failure)
        {
            await engine.EndAsync();
            return (null, $"dockerd does not start here: {failure}");
        }

        await engine.RunAsync("build", "--quiet", "--tag", Image, "--file", Path.Combine(Repository.Root, "kernel", "Containerfile"), Path.Combine(Repository.Root, "kernel"));
        return (engine, null);
    }

    internal static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    // Null, or its last words.
    private async Task<string?> StartDaemonAsync()
    {
        string address = $"unix://{_folder}/engine.sock";
        await File.WriteAllTextAsync(Program, $"#!/bin/sh\nexec {FindOnPath("docker")} --host {address} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string[] arguments = ["--storage-driver=vfs", "--data-root", $"{_folder}/data", "--exec-root", $"{_folder}/exec", "--host", address, "--pidfile", $"{_folder}/engine.pid"];
        _daemon = Process.Start(new ProcessStartInfo("dockerd", arguments) { RedirectStandardError = true })!;
        string last = "";
        while (await _daemon.StandardError.ReadLineAsync().Soon() is { } line)
        {
            if (line.Contains("API listen on", StringComparison.Ordinal))
            {
                // The rest is read, so that it can go on writing.
                _ = _daemon.StandardError.ReadToEndAsync();
                return null;
            }

            last = line;
        }

        return last;
    }

    private async Task EndAsync()
    {
        if (_daemon is { HasExited: false })
            Process.Start("kill", [$"{_daemon.Id}"]).WaitForExit();
        if (_daemon is not null)
            await _daemon.WaitForExitAsync().Soon();
        _daemon?.Dispose();
        Directory.Delete(_folder, recursive: true);

        // The engine leaves the bridge that it made.
        if (!_hadBridge && Directory.Exists("/sys/class/net/docker0") && FindOnPath("ip") is { } ip)
            await RunProgramAsync(ip, "link", "delete", "docker0");
    }

    // What the engine has told of late, and tells as it happens.
    private sealed class Events(Process process) : IDisposable
    {
        public async Task NextAsync() => Assert.NotNull(await process.StandardOutput.ReadLineAsync().Soon());

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    /// <summary>Ends the engine when the last test of the assembly has run.</summary>
    public sealed class End : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (Shared.IsValueCreated && (await Shared.Value).Engine is { } engine)
                await engine.EndAsync();
        }
    }
}
