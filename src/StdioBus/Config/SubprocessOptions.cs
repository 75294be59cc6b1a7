namespace StdioBus;

/// <summary>Options of a kernel that runs as a child process: the daemon <c>stdio_bus</c>.</summary>
public sealed class SubprocessOptions
{
    /// <summary>Path of the daemon; null to look for it: the one that came with this library, then PATH.</summary>
    public string? BinaryPath { get; set; }

    /// <summary>How many of the last lines of the daemon's stderr are kept: 200; 0 to 1,000,000.</summary>
    public int StderrBufferLines { get; set; } = 200;

    internal SubprocessOptions Copy() => (SubprocessOptions)MemberwiseClone();

    internal SubprocessOptions Checked()
    {
        if (BinaryPath is { } path && (path.Length == 0 || path.Contains('\0')))
            throw new BusInvalidArgumentException($"{nameof(BinaryPath)}: expected a path that is not empty and has no NUL character.");
        if (StderrBufferLines is < 0 or > 1_000_000)
            throw new BusInvalidArgumentException($"{nameof(StderrBufferLines)}: expected 0 to 1,000,000, got {StderrBufferLines}.");
        return this;
    }
}
