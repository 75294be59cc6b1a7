namespace StdioBus;

/// <summary>Makes the backend that a bus's options ask for.</summary>
internal static class BackendChoice
{
    /// <summary>The backend.</summary>
    /// <exception cref="StdioBusException">It cannot be had here.</exception>
    public static IBusBackend Make(BusOptions options, BusConfig config, CallIds ids, Func<string> name) => options.Backend switch
    {
        BackendKind.Native => MakeNative(options, config, name),
        BackendKind.Subprocess => MakeSubprocess(options, config, ids, name),
        BackendKind.Socket => new SocketBackend(config, options.Socket!, ids, options.Native!.LogLevel, name),
        BackendKind.Docker => MakeDocker(options, config, ids, name),
        _ => MakeAny(options, config, ids, name),
    };

    // Native where its library loads. Who names a library, or wants a listener, wants that and nothing else.
    private static IBusBackend MakeAny(BusOptions options, BusConfig config, CallIds ids, Func<string> name)
    {
        try
        {
            return MakeNative(options, config, name);
        }
        catch (BusUnavailableException missing) when (options.Native is { LibraryPath: null, ListenMode: ListenMode.None })
        {
            return MakeOther(options, config, ids, name, missing);
        }
    }

    // A container only where there is an image to make it from.
    private static IBusBackend MakeOther(BusOptions options, BusConfig config, CallIds ids, Func<string> name, BusUnavailableException missing)
    {
        try
        {
            return MakeSubprocess(options, config, ids, name);
        }
        catch (BusUnavailableException alsoMissing)
        {
            string both = $"{missing.Message} {alsoMissing.Message}";
            if (options.Docker is null)
                throw new BusUnavailableException(both, missing);
            try
            {
                return MakeDocker(options, config, ids, name);
            }
            catch (BusUnavailableException noEngine)
            {
                throw new BusUnavailableException($"{both} {noEngine.Message}", missing);
            }
        }
    }

    private static NativeBackend MakeNative(BusOptions options, BusConfig config, Func<string> name) => new(config, options.Native!, name);

    private static SubprocessBackend MakeSubprocess(BusOptions options, BusConfig config, CallIds ids, Func<string> name) =>
        new(config, options.Subprocess ?? new SubprocessOptions(), ids, options.Native!.LogLevel, name);

    private static DockerBackend MakeDocker(BusOptions options, BusConfig config, CallIds ids, Func<string> name) =>
        new(config, options.Docker!, ids, options.Native!.LogLevel, name);
}
