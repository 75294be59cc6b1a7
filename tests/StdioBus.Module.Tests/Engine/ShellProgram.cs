namespace StdioBus.Module.Tests.Engine;

/// <summary>The built shell.</summary>
internal static class ShellProgram
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        // Programs published for another system do not lie where they are built.
        if (Environment.GetEnvironmentVariable("STDIOBUS_TEST_SHELL") is { Length: > 0 } published)
            return published;

        string[] parts = AppContext.BaseDirectory.TrimEnd('/').Split('/');
        return System.IO.Path.Combine(ProductFolder.Root, "src", "StdioBus.Shell", "bin", parts[^2], parts[^1], "stdiobus-shell");
    }
}
