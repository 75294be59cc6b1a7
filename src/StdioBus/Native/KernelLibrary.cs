using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>Finds the kernel's library. Only absolute paths are loaded, so that no other of the same name is taken.</summary>
internal static class KernelLibrary
{
    /// <summary>The environment variable that names the library.</summary>
    public const string PathVariable = "STDIOBUS_NATIVE_PATH";

    private static readonly ConcurrentDictionary<string, KernelApi> Loaded = new(StringComparer.Ordinal);

    /// <summary>Loads the library: the given one, else that of the environment, else the one beside this assembly.</summary>
    /// <exception cref="BusUnavailableException">There is none; the message lists every path looked at.</exception>
    public static KernelApi Load(string? path)
    {
        var tried = new List<string>();
        foreach (string candidate in Candidates(path))
        {
            if (Loaded.TryGetValue(candidate, out KernelApi? known))
                return known;
            if (!File.Exists(candidate))
            {
                tried.Add($"'{candidate}' does not exist");
                continue;
            }

            try
            {
                return Loaded.GetOrAdd(candidate, static file => new KernelApi(NativeLibrary.Load(file), file));
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                tried.Add($"'{candidate}' cannot be loaded: {error.Message}");
            }
        }

        throw new BusUnavailableException($"The kernel's library is not there. Looked at: {string.Join("; ", tried)}.");
    }

    /// <summary>The folder of this platform's library: the musl of Alpine is told apart from glibc.</summary>
    internal static string PlatformFolder
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : IsMusl ? "linux-musl" : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    private static bool IsMusl =>
        RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal)
        || RuntimeInformation.RuntimeIdentifier.StartsWith("alpine", StringComparison.Ordinal);

    private static string FileName =>
        OperatingSystem.IsWindows() ? "stdio_bus.dll" : OperatingSystem.IsMacOS() ? "libstdio_bus.dylib" : "libstdio_bus.so";

    private static IEnumerable<string> Candidates(string? path)
    {
        if (path is not null)
        {
            yield return Path.GetFullPath(path);
            yield break;
        }

        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } variable)
        {
            yield return Path.GetFullPath(Directory.Exists(variable) ? Path.Combine(variable, FileName) : variable);
            yield break;
        }

        string folder = Path.GetDirectoryName(typeof(KernelLibrary).Assembly.Location) is { Length: > 0 } beside ? beside : AppContext.BaseDirectory;
        yield return Path.Combine(folder, PlatformFolder, FileName);
    }
}
