namespace StdioBus;

/// <summary>Checks a bus's options and copies them, so that later changes have no effect.</summary>
internal static class BusOptionsReader
{
    /// <summary>The options and the configuration they name.</summary>
    /// <exception cref="StdioBusException">They are unusable.</exception>
    public static (BusOptions Options, BusConfig Config) Read(BusOptions options)
    {
        if (options.Config is null && options.ConfigPath is null)
            throw new BusInvalidArgumentException($"Neither {nameof(options.Config)} nor {nameof(options.ConfigPath)} is given; one of them is needed.");
        if (options.Config is not null && options.ConfigPath is not null)
            throw new BusInvalidArgumentException($"{nameof(options.Config)} and {nameof(options.ConfigPath)} are mutually exclusive; give one of them.");
        if (options.Native is { ListenMode: not ListenMode.None } && options.Backend is not (BackendKind.Auto or BackendKind.Native) && Enum.IsDefined(options.Backend))
            throw new BusInvalidArgumentException($"{nameof(options.Backend)}: a listener is of the {nameof(BackendKind.Native)} backend only, not of {options.Backend}.");
        if (!Enum.IsDefined(options.Backend))
            throw new BusInvalidArgumentException($"{nameof(options.Backend)}: expected a backend's name, got {(int)options.Backend}.");
        if (options.Name is { } name && string.IsNullOrWhiteSpace(name))
            throw new BusInvalidArgumentException($"{nameof(options.Name)}: expected a text that is not empty.");
        if (options.StreamQueue < 1)
            throw new BusInvalidArgumentException($"{nameof(options.StreamQueue)}: expected 1 or more, got {options.StreamQueue}.");
        if (options.StreamOverflowBytes < 1)
            throw new BusInvalidArgumentException($"{nameof(options.StreamOverflowBytes)}: expected 1 or more, got {options.StreamOverflowBytes}.");
        BusConfig source = options.Config ?? BusConfig.Load(options.ConfigPath!);
        source.Validate();
        BusLimits limits = (source.Limits ?? new BusLimits()).OverriddenBy(options.Limits);
        var config = new BusConfig { Pools = [.. source.Pools.Select(pool => pool.Copy())], Limits = limits };
        config.Validate();
        BusOptions copy = options.Copy();
        copy.Config = config;
        copy.Limits = limits;
        copy.Timeout = Limit(nameof(options.Timeout), options.Timeout);
        copy.IdleTimeout = Limit(nameof(options.IdleTimeout), options.IdleTimeout);
        copy.Retry = options.Retry?.Copy().Checked();
        copy.Native = ReadNative(options.Native);
        copy.Subprocess = options.Subprocess?.Copy().Checked();
        copy.Docker = options.Docker?.Copy().Checked();
        copy.Socket = options.Socket?.Copy().Checked();
        if (copy is { Backend: BackendKind.Socket, Socket: null })
            throw new BusInvalidArgumentException($"{nameof(options.Socket)}: required by the {nameof(BackendKind.Socket)} backend: where the daemon listens.");
        if (copy is { Backend: BackendKind.Docker, Docker: null })
            throw new BusInvalidArgumentException($"{nameof(options.Docker)}: required by the {nameof(BackendKind.Docker)} backend: the image to run.");
        copy.Roots = options.Roots is null ? null : [.. options.Roots.Select(ReadRoot)];
        copy.TracePath = ReadTracePath(options.TracePath);
        copy.TraceRedactedKeys = ReadTraceRedactedKeys(options.TraceRedactedKeys);
        return (copy, config);
    }

    private static BusRoot ReadRoot(BusRoot root, int index) => root is { Uri.Length: > 0 }
        ? new BusRoot(root.Uri, root.Name)
        : throw new BusInvalidArgumentException($"{nameof(BusOptions.Roots)}[{index}]: expected a root with a URI.");

    /// <summary>A deadline: zero and infinite mean none.</summary>
    public static TimeSpan? Limit(string name, TimeSpan? time)
    {
        if (time is null || time == TimeSpan.Zero || time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue)
            return null;
        return time > TimeSpan.Zero
            ? time
            : throw new BusInvalidArgumentException($"{name}: expected a time that is not negative, got {time}.");
    }

    // Absolute from here on, as the current folder may change before the start.
    private static string? ReadTracePath(string? path)
    {
        if (path is null)
            return null;
        return path.Length > 0 && !path.Contains('\0')
            ? Path.GetFullPath(path)
            : throw new BusInvalidArgumentException($"{nameof(BusOptions.TracePath)}: expected a path that is not empty and has no NUL character.");
    }

    private static string[] ReadTraceRedactedKeys(IReadOnlyList<string>? keys)
    {
        string[] copy = [.. keys ?? BusOptions.DefaultTraceRedactedKeys];
        return Array.Find(copy, key => !TraceRedaction.IsUsable(key)) is { } odd || Array.IndexOf(copy, null) >= 0
            ? throw new BusInvalidArgumentException($"{nameof(BusOptions.TraceRedactedKeys)}: expected names with letters or digits.")
            : copy;
    }

    private static NativeOptions ReadNative(NativeOptions? native)
    {
        NativeOptions options = native?.Copy() ?? new NativeOptions();
        if (options.PollInterval < TimeSpan.FromMilliseconds(1))
            throw new BusInvalidArgumentException($"{nameof(options.PollInterval)}: expected 1 ms or more, got {options.PollInterval}.");
        if (!Enum.IsDefined(options.LogLevel))
            throw new BusInvalidArgumentException($"{nameof(options.LogLevel)}: expected Debug, Information, Warning or Error, got {(int)options.LogLevel}.");
        if (options.LibraryPath is { } library && !Path.IsPathFullyQualified(library))
            throw new BusInvalidArgumentException($"{nameof(options.LibraryPath)}: expected an absolute path, got '{library}'.");
        ListenerOptions.Check(options);
        return options;
    }
}
