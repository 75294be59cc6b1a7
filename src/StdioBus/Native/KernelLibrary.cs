using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>Finds the kernel's library. Only absolute paths are loaded, so that no other of the same name is taken.</summary>
internal static class KernelLibrary
{
    /// <summary>The environment variable that names the library.</summary>
    public const string PathVariable = "STDIOBUS_NATIVE_PATH";

    private static readonly ConcurrentDictionary<string, KernelApi> Loaded = new(StringComparer.Ordinal);

    /// <summary>Loads the library: the given one, else that of the environment, else this platform's beside this assembly.</summary>
    /// <exception cref="BusUnavailableException">There is none; the message lists every path looked at.</exception>
    public static KernelApi Load(string? path) => Load(path, KernelPlatform.Current, KernelPlatform.Home);

    /// <summary>The same for any platform, whose folder lies in this one.</summary>
    internal static KernelApi Load(string? path, KernelPlatform platform, string home)
    {
        var tried = new List<string>();
        foreach (string candidate in Candidates(path, platform, home))
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

        IReadOnlyList<string> there = KernelPlatform.FoldersWith(home, "libstdio_bus.so", "libstdio_bus.dylib", "stdio_bus.dll");
        throw new BusUnavailableException(
            $"The kernel's library is not there. Looked at: {string.Join("; ", tried)}. This platform is {platform.Folder}; there are libraries for {(there is [] ? "none" : string.Join(", ", there))}.");
    }

    private static IEnumerable<string> Candidates(string? path, KernelPlatform platform, string home)
    {
        if (path is not null)
            yield return Path.GetFullPath(path);
        else if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } variable)
            yield return Path.GetFullPath(Directory.Exists(variable) ? Path.Combine(variable, platform.LibraryName) : variable);
        else
            yield return Path.Combine(home, platform.Folder, platform.LibraryName);
    }
}
