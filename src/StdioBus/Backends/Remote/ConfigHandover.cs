using System.IO.Pipes;

namespace StdioBus;

/// <summary>
/// Gives a configuration to a program that is started with a path to it. .NET lets a child inherit no descriptors beyond
/// the three standard ones, so an inherited pipe is not to be had. On Linux the program opens the pipe of this process
/// through /proc: the configuration, with all the secrets that environments hold, never touches a disk, and nothing can
/// be left behind. Elsewhere it is a file in a folder of its own, both for this user only, removed when the program is ready.
/// </summary>
internal sealed class ConfigHandover : IDisposable
{
    private readonly AnonymousPipeServerStream? _pipe;
    private readonly string? _folder;
    private readonly Task _writing = Task.CompletedTask;

    /// <summary>Makes one.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="throughPipe">Whether by a pipe.</param>
    public ConfigHandover(byte[] config, bool throughPipe)
    {
        if (throughPipe)
        {
            _pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
            Path = $"/proc/{Environment.ProcessId}/fd/{_pipe.ClientSafePipeHandle.DangerousGetHandle()}";
            _writing = WriteAsync(_pipe, config);
            return;
        }

        _folder = Directory.CreateTempSubdirectory("stdiobus-").FullName;
        Path = System.IO.Path.Combine(_folder, "config.json");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(Path, options);
        file.Write(config);
    }

    /// <summary>Whether this system has the pipe.</summary>
    public static bool HasPipe => OperatingSystem.IsLinux() && Directory.Exists("/proc/self/fd");

    /// <summary>What the program opens.</summary>
    public string Path { get; }

    /// <summary>The program has read it, or will not.</summary>
    public void Dispose()
    {
        if (_folder is not null && Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);

        // Whoever still writes is refused then.
        _pipe?.DisposeLocalCopyOfClientHandle();
        _writing.GetAwaiter().GetResult();
        _pipe?.Dispose();
    }

    private static async Task WriteAsync(AnonymousPipeServerStream pipe, byte[] config)
    {
        await Task.Yield();
        try
        {
            await pipe.WriteAsync(config).ConfigureAwait(false);

            // The end of the configuration.
            await pipe.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The program ended without reading it; what it said tells why.
        }
    }
}
