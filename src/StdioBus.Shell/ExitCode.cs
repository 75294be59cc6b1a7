namespace StdioBus.Shell;

/// <summary>The exit codes that are the shell's own; a script chooses any other with <c>exit</c>.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>An error that nobody caught, a parse error, or a command given with -c whose last part failed.</summary>
    public const int Failed = 1;

    /// <summary>A command line that cannot be followed, a script that is not there (EX_USAGE, as pwsh).</summary>
    public const int BadCommandLine = 64;

    /// <summary>The engine or the module could not be started (EX_SOFTWARE, as pwsh).</summary>
    public const int CannotStart = 70;

    /// <summary>The output could not be written: a full disk, a descriptor that is not open for writing (EX_IOERR).</summary>
    public const int OutputFailed = 74;

    /// <summary>A run that a signal ended: 128 and the signal's number, as shells say it.</summary>
    public const int SignalBase = 128;

    /// <summary>Nobody reads the output any more: 128 + SIGPIPE.</summary>
    public const int OutputClosed = SignalBase + 13;
}
