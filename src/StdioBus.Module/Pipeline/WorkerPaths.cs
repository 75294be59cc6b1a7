using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Makes the paths of a pool absolute, from the location of the command's runspace, which is not the process's current
/// folder; and makes a script into a call of pwsh. Doing it twice changes nothing.
/// </summary>
internal sealed class WorkerPaths(PSCmdlet command)
{
    private static readonly string[] Extensions = [".com", ".exe", ".bat", ".cmd"];

    private string Location => command.SessionState.Path.CurrentFileSystemLocation.ProviderPath;

    /// <summary>A copy of the pool that means the same from everywhere.</summary>
    public BusPool Resolve(BusPool pool)
    {
        var resolved = new BusPool(pool.Id, pool.Command, pool.ArgumentList, pool.Instances)
        {
            Environment = new Dictionary<string, string>(pool.Environment, StringComparer.Ordinal),
            WorkingDirectory = pool.WorkingDirectory is null ? Location : Folder(pool.WorkingDirectory),
            Envelope = pool.Envelope,
            Dialect = pool.Dialect,
            DefaultMethod = pool.DefaultMethod,
            InheritStandardError = pool.InheritStandardError,
            Handshake = [.. pool.Handshake],
        };
        if (Path.GetExtension(pool.Command).Equals(".ps1", StringComparison.OrdinalIgnoreCase))
            RunScript(resolved);
        else if (HasSeparator(pool.Command))
            resolved.Command = Program(pool.Command);

        return resolved;
    }

    /// <summary>
    /// Ends the command when the program of a resolved pool is a bare name that is nowhere on PATH. Not for a pool that has a
    /// PATH of its own, where the kernel looks; and a pool's definition alone may name a program that is not there yet.
    /// </summary>
    public void RequireCommand(BusPool pool)
    {
        if (pool.Command.Length == 0 || HasSeparator(pool.Command) || pool.Environment.Keys.Any(IsPath))
            return;

        // Folders on PATH that are relative start where the worker does.
        if (!CandidatesOnPath(pool.Command).Any(candidate => IsProgram(Path.Combine(pool.WorkingDirectory ?? Location, candidate))))
        {
            command.ThrowTerminatingError(BusErrors.CommandNotFound(
                pool.Command, $"The command '{pool.Command}' of pool '{pool.Id}' is not on PATH.",
                "Check its spelling, install it, or give its path: one with a separator starts at the location of this runspace."));
        }
    }

    /// <summary>The absolute form of a path, whether or not something is there.</summary>
    public string Absolute(string path)
    {
        if (Path.IsPathFullyQualified(path))
            return path;

        string resolved = command.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        if (provider.Name == "FileSystem")
            return resolved;

        // The location is in another provider, such as Env:. The path is still one of files.
        return Path.GetFullPath(path, Location);
    }

    /// <summary>The absolute form of a program's path; a bare name, which is one for PATH, stays.</summary>
    public string? AbsoluteProgram(string? program) => program is null || !HasSeparator(program) ? program : Absolute(program);

    private void RunScript(BusPool pool)
    {
        string script = Absolute(pool.Command);
        if (!File.Exists(script))
        {
            command.ThrowTerminatingError(BusErrors.CommandNotFound(
                pool.Command, $"The script of pool '{pool.Id}' is not there: {script}.",
                "Check the path; a relative one starts at the location of this runspace."));
        }

        pool.Command = FindPwsh(pool);
        pool.ArgumentList = ["-NoProfile", "-NonInteractive", "-File", script, .. pool.ArgumentList];
    }

    private string FindPwsh(BusPool pool)
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) is "pwsh")
            return Environment.ProcessPath!;

        string name = OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh";
        if (CandidatesOnPath(name).FirstOrDefault(candidate => Path.IsPathFullyQualified(candidate) && File.Exists(candidate)) is { } pwsh)
            return pwsh;

        command.ThrowTerminatingError(BusErrors.CommandNotFound(
            pool.Command,
            $"The command of pool '{pool.Id}' is a script, which runs in pwsh; but this process ({Environment.ProcessPath}) is not pwsh, and none is on PATH.",
            "Install PowerShell or add pwsh to PATH."));
        return "";
    }

    private string Program(string path)
    {
        string program = Absolute(path);
        if (!IsProgram(program))
        {
            command.ThrowTerminatingError(BusErrors.CommandNotFound(
                path, $"The command '{path}' is not there: {program} is no file.",
                "Check the path; a relative one starts at the location of this runspace. A name without separator is looked up on PATH."));
        }

        return program;
    }

    private string Folder(string path)
    {
        string folder = Absolute(path);
        if (!Directory.Exists(folder))
            command.ThrowTerminatingError(BusErrors.FileNotFound(path, $"The working directory '{path}' is not there: {folder} is no folder."));

        return folder;
    }

    private static IEnumerable<string> CandidatesOnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name));

    // Whether the kernel finds a file there. On Windows it adds an extension, and one without is no program.
    private static bool IsProgram(string path) => OperatingSystem.IsWindows()
        ? (Path.HasExtension(path) && File.Exists(path)) || Extensions.Any(extension => File.Exists(path + extension))
        : File.Exists(path);

    private static bool IsPath(string variable) =>
        variable.Equals("PATH", OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);

    private static bool HasSeparator(string path) =>
        path.Contains('/', StringComparison.Ordinal) || (OperatingSystem.IsWindows() && path.Contains('\\', StringComparison.Ordinal));
}
