namespace StdioBus.Tests.Support;

/// <summary>Buses of real worker processes: the program of tests/workers/StdioBus.TestWorker.</summary>
internal static class TestWorkers
{
    /// <summary>Longer than anything takes; a test that waits this long has failed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The built worker.</summary>
    public static string Program { get; } = Find();

    public static BusPool Pool(string id = "test", int instances = 1, params string[] mode) => new(id, Program, mode, instances);

    /// <summary>A pool of programs that do nothing but read their input to its end, and are there much faster than the worker.</summary>
    public static BusPool Quick(int instances = 1) =>
        OperatingSystem.IsWindows() ? new BusPool("quick", "find", ["what is not there"], instances) : new BusPool("quick", "cat", null, instances);

    /// <summary>Options of a bus of these pools, without deadlines.</summary>
    public static BusOptions Options(params BusPool[] pools) => new() { Config = new BusConfig(pools), Timeout = null };

    public static async Task<Bus> StartAsync(BusOptions options)
    {
        var bus = new Bus(options);
        await bus.StartAsync().WaitAsync(Patience);
        return bus;
    }

    public static Task<Bus> StartAsync(params BusPool[] pools) => StartAsync(Options(pools));

    /// <summary>A bus with one pool of this many workers in the default mode.</summary>
    public static Task<Bus> StartAsync(int instances = 1) => StartAsync(Pool(instances: instances));

    private static string Find()
    {
        // Programs published for another system do not lie where they are built.
        if (Environment.GetEnvironmentVariable("STDIOBUS_TEST_WORKER") is { Length: > 0 } published)
            return published;

        // The tests and the worker are built in the same configuration for the same framework.
        string[] parts = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        string tests = string.Join(Path.DirectorySeparatorChar, parts[..^4]);
        string path = Path.Combine(tests, "workers", "StdioBus.TestWorker", "bin", parts[^2], parts[^1], "StdioBus.TestWorker");
        return File.Exists(path) ? path : throw new InvalidOperationException($"The test worker is not built: '{path}'.");
    }
}
