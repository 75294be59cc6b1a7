namespace StdioBus;

/// <summary>How important a log line is. The values are those of the kernel's header.</summary>
public enum BusLogLevel
{
    /// <summary>For developers of the kernel.</summary>
    Debug = 0,

    /// <summary>Lifecycle; also each line that a worker writes to stderr.</summary>
    Information = 1,

    /// <summary>Something was skipped, dropped or restarted.</summary>
    Warning = 2,

    /// <summary>Something failed.</summary>
    Error = 3,
}

/// <summary>A line of the kernel's log, or one that a worker wrote to stderr.</summary>
/// <param name="Sequence">Its number in this bus's log, from 1.</param>
/// <param name="Time">When it arrived.</param>
/// <param name="Level">How important it is.</param>
/// <param name="WorkerId">The worker that wrote it to stderr; null for the kernel's own.</param>
/// <param name="Text">The line.</param>
public sealed record BusLogEntry(long Sequence, DateTimeOffset Time, BusLogLevel Level, int? WorkerId, string Text);
