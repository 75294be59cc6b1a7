namespace StdioBus;

/// <summary>Finds the daemon's program.</summary>
internal static class DaemonProgram
{
    private static string FileName => OperatingSystem.IsWindows() ? "stdio_bus.exe" : "stdio_bus";

    /// <summary>The given program, else the one that came with this library, else the one on PATH.</summary>
    /// <exception cref="BusUnavailableException">There is none; the message lists every place looked at.</exception>
    public static string Find(string? given)
    {
        if (given is not null)
        {
            string full = Path.GetFullPath(given);
            return File.Exists(full) ? full : throw new BusUnavailableException($"{nameof(SubprocessOptions.BinaryPath)}: the daemon '{full}' does not exist.");
        }

        string folder = Path.GetDirectoryName(typeof(DaemonProgram).Assembly.Location) is { Length: > 0 } beside ? beside : AppContext.BaseDirectory;
        string own = Path.Combine(folder, KernelLibrary.PlatformFolder, FileName);
        if (KernelDaemon.Beside(own) is { } bundled)
            return bundled;
        var looked = new List<string> { own };
        if (OperatingSystem.IsWindows() && File.Exists(own))
            return own;
        foreach (string each in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            // A relative folder on PATH would mean another program in each current folder.
            if (!Path.IsPathFullyQualified(each))
                continue;
            string candidate = Path.Combine(each, FileName);
            if (File.Exists(candidate))
                return candidate;
            looked.Add(candidate);
        }

        throw new BusUnavailableException($"The daemon '{FileName}' is not there. Looked at: {string.Join("; ", looked.Select(path => $"'{path}' does not exist"))}. {nameof(SubprocessOptions.BinaryPath)} names another place.");
    }
}
