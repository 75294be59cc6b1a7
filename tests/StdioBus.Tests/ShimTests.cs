using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Workers behind a program that starts them, as <c>npx</c> and, on Windows, <c>npx.cmd</c> do.</summary>
[Trait("Covers", "L18")]
[Trait("Covers", "L22")]
public sealed class ShimTests : IDisposable
{
    // A folder whose name has to be quoted.
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus shim & co-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The kernel in this process, and in one of its own.</summary>
    public static TheoryData<string> Ways => ["Native", "Subprocess"];

    [Theory(DisplayName = "L22: a worker behind a shim on PATH answers, with its arguments as they are")]
    [MemberData(nameof(Ways))]
    public async Task A_worker_behind_a_shim_answers(string way)
    {
        string name = $"stdiobus-shim-{Guid.NewGuid():n}";
        Shim.Write(_folder, name, TestWorkers.Program);
        var pool = new BusPool("shim", name, ["kit", "a b", "&", "", "c\\"]);
        pool.Environment["PATH"] = _folder + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH");
        await using BackendHost host = await BackendHost.StartAsync(way, pool);
        JsonElement about = await host.Bus.RequestAsync("about").Soon();
        Assert.Equal(["a b", "&", "", "c\\"], about.GetProperty("args").EnumerateArray().Select(argument => argument.GetString()));
        Assert.NotEqual(host.Bus.GetWorkers()[0].ProcessId, about.GetProperty("pid").GetInt32());
        Assert.Equal("é 🎈", (await host.Bus.RequestAsync("echo", new { text = "é 🎈" }).Soon()).GetProperty("text").GetString());
    }

    [Theory(DisplayName = "L18: a stop ends a shim and its worker by the end of their input; nothing is left")]
    [MemberData(nameof(Ways))]
    public async Task A_stop_ends_both(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, new BusPool("shim", Shim.Write(_folder, "shim", TestWorkers.Program)));
        int[] processes = await ProcessesAsync(host.Bus);
        await host.Bus.StopAsync().Soon();
        await GoneAsync(processes);
    }

    [Theory(DisplayName = "L18: a stubborn worker behind a shim, and what it has started, is killed to the last process")]
    [InlineData("Native", "stop")]
    [InlineData("Native", "kill")]
    [InlineData("Native", "restart")]
    [InlineData("Subprocess", "stop")]
    [InlineData("Subprocess", "kill")]
    public async Task All_are_killed(string way, string end)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, new BusPool("shim", Shim.Write(_folder, "shim", TestWorkers.Program), ["stubborn"]));
        int[] processes = [.. await ProcessesAsync(host.Bus), (await host.Bus.RequestAsync("descendant").Soon()).GetProperty("pid").GetInt32()];
        Assert.All(processes, process => Assert.True(OtherProcess.IsAlive(process), $"process {process} is not there"));
        await (end switch { "stop" => host.Bus.StopAsync(TimeSpan.FromSeconds(1)), "kill" => host.Bus.KillAsync(), _ => host.Bus.RestartWorkerAsync(0, force: true) }).Soon();
        await GoneAsync(processes);
    }

    // The shim and its worker.
    private static async Task<int[]> ProcessesAsync(Bus bus)
    {
        int worker = (await bus.RequestAsync("pid").Soon()).GetProperty("pid").GetInt32();
        int shim = (await bus.GetWorkersAsync().Soon())[0].ProcessId;
        Assert.NotEqual(shim, worker);
        return [shim, worker];
    }

    private static async Task GoneAsync(int[] processes)
    {
        foreach (int process in processes)
            await Waiting.Until(() => !OtherProcess.IsAlive(process), $"process {process} has ended");
    }
}
