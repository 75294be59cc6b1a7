namespace StdioBus;

/// <summary>How a bus reaches its kernel.</summary>
public enum BackendKind
{
    /// <summary>The best one that works here.</summary>
    Auto = 0,

    /// <summary>The kernel runs in this process.</summary>
    Native = 1,

    /// <summary>The kernel runs as a child process.</summary>
    Subprocess = 2,

    /// <summary>The kernel runs in a container.</summary>
    Docker = 3,

    /// <summary>A kernel that runs already, reached over a socket.</summary>
    Socket = 4,
}
