namespace StdioBus;

/// <summary>Finds the daemon's program.</summary>
internal static class DaemonProgram
{
    /// <summary>The given program, else the one of this platform that came with this library, else the one on PATH.</summary>
    /// <exception cref="BusUnavailableException">There is none; the message lists every place looked at.</exception>
    public static string Find(string? given) => Find(given, KernelPlatform.Current, KernelPlatform.Home);

    /// <summary>The same for any platform, whose folder lies in this one.</summary>
    internal static string Find(string? given, KernelPlatform platform, string home)
    {
        if (given is not null)
        {
            string full = Path.GetFullPath(given);
            return File.Exists(full) ? full : throw new BusUnavailableException($"{nameof(SubprocessOptions.BinaryPath)}: the daemon '{full}' does not exist.");
        }

        string own = Path.Combine(home, platform.Folder, platform.DaemonName);
        if (File.Exists(own))
            return KernelDaemon.Runnable(own);
        var looked = new List<string> { own };
        foreach (string each in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            // A relative folder on PATH would mean another program in each current folder.
            if (!Path.IsPathFullyQualified(each))
                continue;
            string candidate = Path.Combine(each, platform.DaemonName);
            if (File.Exists(candidate))
                return candidate;
            looked.Add(candidate);
        }

        IReadOnlyList<string> there = KernelPlatform.FoldersWith(home, "stdio_bus", "stdio_bus.exe");
        throw new BusUnavailableException(
            $"The daemon '{platform.DaemonName}' is not there. Looked at: {string.Join("; ", looked.Select(path => $"'{path}' does not exist"))}. "
            + $"This platform is {platform.Folder}; there are daemons for {(there is [] ? "none" : string.Join(", ", there))}. {nameof(SubprocessOptions.BinaryPath)} names another place.");
    }
}
