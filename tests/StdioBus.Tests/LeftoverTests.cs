using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>
/// What is left of a bus, however it ends: nothing. Alone, because it counts this process's descriptors and threads.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class LeftoverTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-leftovers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "A21: 100 cycles of every kind leave no process, thread, descriptor, socket file or listed bus")]
    public async Task Cycles_leave_nothing()
    {
        for (int i = 0; i < 6; i++)
            await Cycle(i);
        (int threads, int descriptors, int buses) = (OwnProcess.LoopThreadCount, OwnProcess.Descriptors, BusRegistry.Open.Count);
        var processes = new List<int>();
        for (int i = 0; i < 100; i++)
            processes.AddRange(await Cycle(i));
        Assert.Equal(200, processes.Count);
        Assert.All(processes, process => Assert.False(OtherProcess.Exists(process), $"worker {process} is still there"));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Assert.Equal(buses, BusRegistry.Open.Count);
        await Waiting.Until(() => OwnProcess.LoopThreadCount <= threads, "the loop threads are gone");
        await Waiting.Until(() => OwnProcess.Descriptors <= descriptors + OwnProcess.DescriptorSlack, $"the descriptors are gone: {OwnProcess.Descriptors} of {descriptors}");
    }

    [Fact(DisplayName = "A21: starts that fail leave no process, thread, descriptor or socket file")]
    public async Task Failed_starts_leave_nothing()
    {
        await Fail();
        (int threads, int descriptors) = (OwnProcess.LoopThreadCount, OwnProcess.Descriptors);
        for (int i = 0; i < 20; i++)
            await Fail();
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        await Waiting.Until(() => OwnProcess.LoopThreadCount <= threads, "the loop threads are gone");
        await Waiting.Until(() => OwnProcess.Descriptors <= descriptors + OwnProcess.DescriptorSlack, $"the descriptors are gone: {OwnProcess.Descriptors} of {descriptors}");

        async Task Fail()
        {
            await using var bus = new Bus(Listening(TestWorkers.Quick(2), new BusPool("bad", Path.GetFullPath("/nowhere/worker"))));
            await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        }
    }

    [Fact(DisplayName = "A21, L18: when the host is killed its workers go, and what they have started, also what ignores the end of input and SIGTERM")]
    public async Task A_killed_host_leaves_nothing()
    {
        using Process host = Process.Start(new ProcessStartInfo(TestWorkers.Program, ["host"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        string line = await host.StandardOutput.ReadLineAsync().WaitAsync(TestWorkers.Patience) ?? throw new InvalidOperationException("The host ended before its bus ran.");
        int[] processes = [.. line.Split(' ').Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
        Assert.Equal(5, processes.Distinct().Count());
        Assert.All(processes, process => Assert.True(OtherProcess.IsAlive(process), $"process {process} is not there"));

        // SIGKILL, to this process alone.
        host.Kill();
        await host.WaitForExitAsync().WaitAsync(TestWorkers.Patience);
        await Waiting.Until(() => !processes.Any(OtherProcess.IsAlive), $"three workers and two that they started, {line}, are gone");
    }

    [Fact(DisplayName = "A21: a host that stops its bus and ends leaves no worker, nothing that they have started and no guard")]
    public async Task A_host_that_ends_leaves_nothing()
    {
        using Process host = Process.Start(new ProcessStartInfo(TestWorkers.Program, ["host"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        string line = await host.StandardOutput.ReadLineAsync().WaitAsync(TestWorkers.Patience) ?? throw new InvalidOperationException("The host ended before its bus ran.");
        int? guard = OperatingSystem.IsWindows() ? null : Assert.Single(ChildrenOf(host.Id), IsGuard);
        host.StandardInput.Close();
        await host.WaitForExitAsync().WaitAsync(TestWorkers.Patience);
        Assert.Equal(0, host.ExitCode);
        Assert.False(guard is { } left && OtherProcess.IsAlive(left), $"guard {guard} is still there");
        await Waiting.Until(() => !line.Split(' ').Any(id => OtherProcess.IsAlive(int.Parse(id, CultureInfo.InvariantCulture))), $"{line} are gone");
    }

    // Every fourth with a runtime of its own and a request that waits; the others are quick. Each ends in another way.
    private async Task<IEnumerable<int>> Cycle(int i)
    {
        bool isReal = i % 4 == 0;
        await using Bus bus = await TestWorkers.StartAsync(Listening(isReal ? TestWorkers.Pool(instances: 2) : TestWorkers.Quick(2)));
        Assert.Equal(bus.ListenMode == ListenMode.Unix, Directory.EnumerateFileSystemEntries(_folder).Any());
        int[] processes = [.. bus.GetWorkers().Select(worker => worker.ProcessId)];
        Task<JsonElement>? pending = null;
        if (isReal)
        {
            await bus.RequestAsync("echo").Soon();
            pending = bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = TimeSpan.FromMinutes(1) });
        }

        using BusSubscription subscription = bus.Subscribe();
        await bus.NotifyAsync("anything").Soon();
        await ((i % 3) switch { 0 => bus.StopAsync(), 1 => bus.KillAsync(), _ => bus.DisposeAsync().AsTask() }).Soon();
        if (pending is not null)
            await Assert.ThrowsAsync<BusTransportException>(() => pending.Soon());
        return processes;
    }

    private BusOptions Listening(params BusPool[] pools)
    {
        BusOptions options = TestWorkers.Options(pools);
        options.Native = RunningDaemon.HasUnixSockets
            ? new NativeOptions { ListenMode = ListenMode.Unix, UnixPath = Path.Combine(_folder, "bus.sock") }
            : new NativeOptions { ListenMode = ListenMode.Tcp, TcpPort = 0 };
        return options;
    }

    private static IEnumerable<int> ChildrenOf(int process) =>
        Directory.GetDirectories($"/proc/{process}/task").SelectMany(thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static bool IsGuard(int process) => File.ReadAllText($"/proc/{process}/cmdline").Contains("\0--guard\0", StringComparison.Ordinal);
}
