namespace StdioBus.TestWorker;

/// <summary>
/// Mode <c>host</c>: a program with a bus of three workers, of which one ignores the end of its input and SIGTERM. It
/// keeps requests waiting, lets each pool start a process that ignores SIGTERM, writes the process ids of the workers and
/// then of those processes on one line, and stays until its input ends.
/// </summary>
internal static class ModeHost
{
    public static async Task<int> RunAsync()
    {
        string self = Environment.ProcessPath!;
        await using Bus bus = new StdioBusBuilder()
            .Pool("echo", self, instances: 2)
            .Pool("stubborn", self, ["stubborn"])
            .Build();
        await bus.StartAsync();
        var waiting = new List<Task>();
        var descendants = new List<int>();
        foreach (string pool in new[] { "echo", "stubborn" })
        {
            descendants.Add((await bus.RequestAsync("descendant", null, new() { Pool = pool })).GetProperty("pid").GetInt32());
            waiting.Add(bus.RequestAsync("hold", new { key = "k" }, new() { Pool = pool }));
        }

        Console.WriteLine(string.Join(' ', bus.GetWorkers().Select(worker => worker.ProcessId).Concat(descendants)));
        Console.In.ReadToEnd();
        int early = waiting.Count(task => task.IsCompleted);
        await bus.StopAsync(TimeSpan.FromSeconds(1));
        return early;
    }

    /// <summary>
    /// Mode <c>container</c>: a program with a bus of the backend that Auto finds, with an image at hand. It writes which one that
    /// is when the bus runs, and stays until its input ends.
    /// </summary>
    public static async Task<int> RunInContainerAsync(string engine, string image, string name)
    {
        await using Bus bus = new StdioBusBuilder()
            .Pool("silent", "/app/stdio_bus", ["--check", "--config-fd", "0"])
            .Docker(new DockerOptions { EnginePath = engine, Image = image, PullPolicy = PullPolicy.Never, StartupTimeout = TimeSpan.FromMinutes(1) })
            .Name(name)
            .Build();
        await bus.StartAsync();
        Console.WriteLine(bus.BackendKind);
        Console.In.ReadToEnd();
        return 0;
    }
}
