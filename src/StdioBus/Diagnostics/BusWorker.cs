namespace StdioBus;

/// <summary>A worker as it was when asked for.</summary>
public sealed class BusWorker
{
    /// <summary>Its number over all pools of the bus, from 0.</summary>
    public int Id { get; init; }

    /// <summary>Its pool's id.</summary>
    public string Pool { get; init; } = "";

    /// <summary>Its bus's name.</summary>
    public string BusName { get; init; } = "";

    /// <summary>Its process id; 0 when no process runs.</summary>
    public int ProcessId { get; init; }

    /// <summary>What it is doing.</summary>
    public WorkerState State { get; init; }

    /// <summary>When its process was last started; null when never.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How long its process has run; zero when none runs.</summary>
    public TimeSpan Uptime { get; init; }

    /// <summary>How often it was started again.</summary>
    public long Restarts { get; init; }

    /// <summary>Sessions bound to it.</summary>
    public long Sessions { get; init; }

    /// <summary>Requests in flight there.</summary>
    public long Pending { get; init; }

    /// <summary>Messages it sent.</summary>
    public long MessagesIn { get; init; }

    /// <summary>Messages sent to it.</summary>
    public long MessagesOut { get; init; }

    /// <summary>Bytes it sent.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes sent to it.</summary>
    public long BytesOut { get; init; }

    /// <summary>Lines on its stdout that were not JSON-RPC.</summary>
    public long InvalidLines { get; init; }

    /// <summary>Bytes that wait to be written to it.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>Whether reading from it pauses, because a consumer is slow.</summary>
    public bool IsPaused { get; init; }

    /// <summary>The exit code of its last process; null when none ended, or a signal ended it.</summary>
    public int? LastExitCode { get; init; }

    /// <summary>The signal that ended its last process; null when none did.</summary>
    public int? LastExitSignal { get; init; }

    /// <summary>Why its last process ended, as a sentence; null when none ended.</summary>
    public string? LastExitReason { get; init; }

    /// <summary>The last lines it wrote to stderr.</summary>
    public string StandardErrorTail { get; init; } = "";

    /// <summary>
    /// What its process answered to the first request of <see cref="BusPool.Handshake"/>; null when it has not, when there is
    /// none, and when the answer nests deeper than 64 levels.
    /// </summary>
    public RawJson? Handshake { get; init; }
}
