namespace StdioBus;

/// <summary>Options of a kernel that runs as a child process: the daemon <c>stdio_bus</c>.</summary>
public sealed class SubprocessOptions
{
    /// <summary>Path of the daemon; null to look for it: the one that came with this library, then PATH.</summary>
    public string? BinaryPath { get; set; }

    /// <summary>How many of the last lines of the daemon's stderr are kept: 200.</summary>
    public int StderrBufferLines { get; set; } = 200;

    internal SubprocessOptions Copy() => (SubprocessOptions)MemberwiseClone();
}
