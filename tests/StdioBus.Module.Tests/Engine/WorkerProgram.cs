namespace StdioBus.Module.Tests.Engine;

/// <summary>The built test worker.</summary>
internal static class WorkerProgram
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        // The tests and the worker are built in the same configuration for the same framework.
        // Programs published for another system do not lie where they are built.
        if (Environment.GetEnvironmentVariable("STDIOBUS_TEST_WORKER") is { Length: > 0 } published)
            return published;

        string[] parts = AppContext.BaseDirectory.TrimEnd('/').Split('/');
        string path = System.IO.Path.Combine(
            ProductFolder.Root, "tests", "workers", "StdioBus.TestWorker", "bin", parts[^2], parts[^1], "StdioBus.TestWorker");
        return File.Exists(path) ? path : throw new InvalidOperationException($"The test worker is not built: {path}.");
    }
}
