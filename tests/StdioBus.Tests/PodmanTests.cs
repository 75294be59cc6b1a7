using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Podman as the engine, where it is there and can run containers. All that it keeps is in one folder.</summary>
public sealed class PodmanTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sbp-").FullName;
    private readonly string _name = $"podman-{Guid.NewGuid():N}";
    private readonly bool _hadBridge = Directory.Exists("/sys/class/net/cni-podman0");

    private string Program => Path.Combine(_folder, "podman");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Program))
            await RunAsync("rm", "--all", "--force");
        Directory.Delete(_folder, recursive: true);
        if (!_hadBridge && Directory.Exists("/sys/class/net/cni-podman0") && DockerEngine.FindOnPath("ip") is { } ip)
            await DockerEngine.RunProgramAsync(ip, "link", "delete", "cni-podman0");
    }

    [Fact(DisplayName = "With podman a bus starts, answers, streams, is told the daemon's death, and leaves no container")]
    public async Task Podman_is_an_engine_too()
    {
        string image = await MakeImageAsync();
        DockerOptions docker = Options(image);
        await using (Bus bus = await StartAsync(DockerEngine.WithWorkers(docker), TestWorkers.Pool(instances: 2)))
        {
            Assert.Equal("7", (await bus.RequestAsync("echo", new { n = 7 }).Soon()).GetProperty("n").GetRawText());
            Assert.Equal(4, (await bus.StreamRequestAsync("stream", new { count = 3 }).ToListAsync().Soon()).Count);
            Assert.NotEmpty(await ContainersAsync());
            await bus.StopAsync().Soon();
            Assert.Empty(await ContainersAsync());
        }

        await using (Bus dies = await StartAsync(docker, TestWorkers.Pool()))
        {
            Task<JsonElement> waiting = dies.RequestAsync("hold", new { key = "k" });
            await RunAsync("kill", await ContainersAsync());
            Assert.Contains("exit code 137", (await Assert.ThrowsAsync<BusTransportException>(() => waiting.Soon())).Message, StringComparison.Ordinal);
            Assert.Empty(await ContainersAsync());
        }

        var missing = await Assert.ThrowsAsync<BusUnavailableException>(() => StartAsync(Options("localhost/no-such-image"), TestWorkers.Pool()));
        Assert.Contains("'localhost/no-such-image' is not there", missing.Message, StringComparison.Ordinal);
    }

    private static async Task<Bus> StartAsync(BusOptions options)
    {
        var bus = new Bus(options);
        try
        {
            await bus.StartAsync().Soon();
            return bus;
        }
        catch
        {
            await bus.DisposeAsync();
            throw;
        }
    }

    private Task<Bus> StartAsync(DockerOptions docker, BusPool pool)
    {
        BusOptions options = TestWorkers.Options(pool);
        (options.Backend, options.Docker, options.Name) = (BackendKind.Docker, docker, _name);
        return StartAsync(options);
    }

    // The limits that podman gives by itself may be more than this machine lets it give.
    private DockerOptions Options(string image) => new()
    {
        Image = image,
        PullPolicy = PullPolicy.Never,
        EnginePath = Program,
        StartupTimeout = TestWorkers.Patience,
        ExtraArgs = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"],
    };

    private Task<string> ContainersAsync() => RunAsync("ps", "--all", "--quiet", "--filter", $"label=stdiobus.bus={_name}");

    private Task<string> RunAsync(params string[] arguments) => DockerEngine.RunProgramAsync(Program, arguments);

    private async Task<string> MakeImageAsync()
    {
        string? missing = DockerEngine.FindOnPath("podman") is null ? "podman is not on PATH"
            : Environment.UserName != "root" ? "it takes root to give podman a folder of its own"
            : !File.Exists(Path.Combine(Repository.Root, "kernel", "dist", "linux-musl-amd64", "stdio_bus")) ? "the daemon for the image is not there"
            : null;
        if (missing is not null)
            Assert.Skip(missing);
        await File.WriteAllTextAsync(Program, $"#!/bin/sh\nexec {DockerEngine.FindOnPath("podman")} --root {_folder}/root --runroot {_folder}/run --storage-driver vfs --cgroup-manager cgroupfs --events-backend file \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string kernel = Path.Combine(Repository.Root, "kernel");
        await RunAsync("build", "--quiet", "--format", "docker", "--tag", "stdio-bus-test", "--file", Path.Combine(kernel, "Containerfile"), kernel);
        const string Image = "localhost/stdio-bus-test";
        try
        {
            await RunAsync("run", "--rm", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096", Image, "--version");
        }
        catch (Xunit.Sdk.TrueException error)
        {
            Assert.Skip($"podman runs no container here: {error.Message}");
        }

        return Image;
    }
}
