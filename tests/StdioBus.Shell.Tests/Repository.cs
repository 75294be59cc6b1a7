namespace StdioBus.Shell.Tests;

/// <summary>Where the built shell, the examples and the workers are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>bin/Debug/net10.0 or bin/Release/net10.0: the shell and the workers were built as this test was.</summary>
    private static string BuildFolder { get; } = Path.GetRelativePath(
        Path.Combine(Root, "tests", "StdioBus.Shell.Tests"), AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    public static string Configuration { get; } = BuildFolder.Split(Path.DirectorySeparatorChar)[1];

    /// <summary>The dll that dotnet runs, or the program that was published for another system and does not lie where it is built.</summary>
    public static string Shell { get; } = Environment.GetEnvironmentVariable("STDIOBUS_TEST_SHELL") is { Length: > 0 } published
        ? published
        : Path.Combine(Root, "src", "StdioBus.Shell", BuildFolder, "stdiobus-shell.dll");

    public static string TestWorker { get; } = Path.Combine(Root, "tests", "workers", "StdioBus.TestWorker", BuildFolder, "StdioBus.TestWorker.dll");

    public static string DemoAgent { get; } = Example("workers/DemoAgent/bin/DemoAgent.dll");

    public static string McpServers { get; } = Path.Combine(Root, "tests", "integration", "mcp");

    public static string Example(string path) => Path.Combine(Root, "docs", "examples", path);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "StdioBus.psd1")) && Directory.Exists(Path.Combine(folder.FullName, "tests")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"The repository was not found above {AppContext.BaseDirectory}.");
    }
}
