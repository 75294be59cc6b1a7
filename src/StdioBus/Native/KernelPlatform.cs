using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>A platform, as the kernel's folders and files are named after it.</summary>
/// <param name="Folder">The folder of its files: linux-x64, linux-musl-arm64, osx-arm64, win-x64.</param>
/// <param name="LibraryName">The file name of the kernel's library.</param>
/// <param name="DaemonName">The file name of the daemon.</param>
internal sealed record KernelPlatform(string Folder, string LibraryName, string DaemonName)
{
    /// <summary>The platform of this process.</summary>
    public static KernelPlatform Current { get; } = Of(RuntimeInformation.RuntimeIdentifier, RuntimeInformation.ProcessArchitecture);

    /// <summary>The folder that holds those of the platforms: this assembly's.</summary>
    public static string Home { get; } = Path.GetDirectoryName(typeof(KernelPlatform).Assembly.Location) is { Length: > 0 } beside ? beside : AppContext.BaseDirectory;

    /// <summary>
    /// The platform of a runtime. Its identifier names the system, or one of its distributions and versions: alpine.3.20-x64,
    /// osx.14-arm64. The processor counts as the process sees it, under emulation too.
    /// </summary>
    public static KernelPlatform Of(string runtimeIdentifier, Architecture processor)
    {
        string suffix = processor.ToString().ToLowerInvariant();
        if (Names(runtimeIdentifier, "win"))
            return new($"win-{suffix}", "stdio_bus.dll", "stdio_bus.exe");
        if (Names(runtimeIdentifier, "osx"))
            return new($"osx-{suffix}", "libstdio_bus.dylib", "stdio_bus");

        // Of ARMv7 there is a daemon only, linked statically: it runs under any C library.
        bool isMusl = Names(runtimeIdentifier, "alpine") || runtimeIdentifier.Contains("musl", StringComparison.Ordinal);
        return new(isMusl && processor != Architecture.Arm ? $"linux-musl-{suffix}" : $"linux-{suffix}", "libstdio_bus.so", "stdio_bus");
    }

    /// <summary>The folders of platforms that hold this file, for messages that say what there is.</summary>
    public static IReadOnlyList<string> FoldersWith(string home, params string[] names)
    {
        if (!Directory.Exists(home))
            return [];
        return [.. Directory.GetDirectories(home).Where(folder => names.Any(name => File.Exists(Path.Combine(folder, name)))).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
    }

    // The name alone, or before its version or processor: "win-x64" and "win10-x64", but not "windriver-x64".
    private static bool Names(string runtimeIdentifier, string system) =>
        runtimeIdentifier.StartsWith(system, StringComparison.Ordinal) && (runtimeIdentifier.Length == system.Length || !char.IsAsciiLetter(runtimeIdentifier[system.Length]));
}
