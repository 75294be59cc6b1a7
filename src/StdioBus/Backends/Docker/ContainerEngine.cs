using System.ComponentModel;
using System.Diagnostics;

namespace StdioBus;

/// <summary>What a command of the engine came to.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to standard output, without blanks around it.</param>
/// <param name="Error">What it wrote to standard error, likewise.</param>
internal readonly record struct EngineAnswer(int ExitCode, string Output, string Error)
{
    /// <summary>What it has to say about a failure.</summary>
    public string Complaint => Error.Length > 0 ? Error : Output.Length > 0 ? Output : $"exit code {ExitCode}";
}

/// <summary>A container engine, docker or podman, driven by its command line.</summary>
internal sealed class ContainerEngine
{
    private static readonly string[] Names = ["docker", "podman"];

    // On Unix a child shares the terminal's signals with this process, and .NET cannot start one that does not. The daemon's
    // program can: else Ctrl+C would end the engine's commands, and with them the container, while the host goes on.
    private readonly string? _launcher = OperatingSystem.IsWindows() ? null : DaemonProgram.Bundled;

    private ContainerEngine(string program) => Program = program;

    /// <summary>Path of its program.</summary>
    public string Program { get; }

    /// <summary>The given program, else docker, else podman; a name without separator is looked up on PATH.</summary>
    /// <exception cref="BusUnavailableException">There is none; the message says what was looked for.</exception>
    public static ContainerEngine Find(string? given)
    {
        if (given is not null && given.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))
        {
            string full = Path.GetFullPath(given);
            return File.Exists(full) ? new ContainerEngine(full) : throw new BusUnavailableException($"{nameof(DockerOptions.EnginePath)}: the container engine '{full}' does not exist.");
        }

        foreach (string name in given is null ? Names : [given])
            if (FindOnPath(name) is { } program)
                return new ContainerEngine(program);
        throw new BusUnavailableException(given is null
            ? $"No container engine is there: neither 'docker' nor 'podman' is on PATH. {nameof(DockerOptions.EnginePath)} names another place."
            : $"{nameof(DockerOptions.EnginePath)}: the container engine '{given}' is not on PATH.");
    }

    /// <summary>Runs a command and waits for its end. A cancellation ends the command's process, not what the engine does meanwhile.</summary>
    /// <exception cref="BusUnavailableException">The program cannot be started.</exception>
    public async Task<EngineAnswer> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        (string program, IEnumerable<string> all) = Launch(arguments);
        using Process process = Start(DaemonProcess.OverPipes(program, all));
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        return new EngineAnswer(process.ExitCode, (await output.ConfigureAwait(false)).Trim(), (await error.ConfigureAwait(false)).Trim());
    }

    /// <summary>Starts a command that stays, such as one that is attached to a container.</summary>
    /// <exception cref="BusUnavailableException">The program cannot be started.</exception>
    public DaemonProcess Attach(IEnumerable<string> arguments, StderrTail stderr, string busName)
    {
        try
        {
            (string program, IEnumerable<string> all) = Launch(arguments);
            return new DaemonProcess(program, all, stderr, busName);
        }
        catch (Win32Exception error)
        {
            throw CannotStart(error);
        }
    }

    private (string Program, IEnumerable<string> Arguments) Launch(IEnumerable<string> arguments) =>
        _launcher is { } launcher ? (launcher, ["--exec", Program, .. arguments]) : (Program, arguments);

    private static string? FindOnPath(string name)
    {
        string file = OperatingSystem.IsWindows() && Path.GetExtension(name).Length == 0 ? name + ".exe" : name;
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            // A relative folder on PATH would mean another program in each current folder.
            string candidate = Path.Combine(folder, file);
            if (Path.IsPathFullyQualified(folder) && File.Exists(candidate))
                return candidate;
        }

        return null;
    }

    private Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw CannotStart(error);
        }
    }

    private BusUnavailableException CannotStart(Win32Exception error) => new($"The container engine '{Program}' cannot be started: {error.Message}", error);
}
