namespace StdioBus.Tests.Support;

/// <summary>Places in the repository that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its root.</summary>
    public static string Root { get; } = Find();

    /// <summary>A kernel built from the same sources without the entries of version 3.</summary>
    public static string Version2Kernel => OperatingSystem.IsWindows()
        ? Path.Combine(Root, "tests", "native", "x86_64-pc-windows-gnu", "stdio_bus_v2.dll")
        : Path.Combine(Root, "tests", "native", "x86_64-unknown-linux-gnu", "libstdio_bus_v2.so");

    private static string Find()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "StdioBus.sln")))
            folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar)) ?? throw new InvalidOperationException("The repository's root is not above the tests.");
        return folder;
    }
}
