namespace StdioBus;

/// <summary>A bus's counters as they were when asked for. A counter the backend cannot give is −1.</summary>
public sealed record BusStatistics
{
    /// <summary>Lines read from this program, socket clients and workers.</summary>
    public long MessagesIn { get; init; }

    /// <summary>Lines written or handed to the same.</summary>
    public long MessagesOut { get; init; }

    /// <summary>Bytes of <see cref="MessagesIn"/>, with each line's newline.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes of <see cref="MessagesOut"/>, with each line's newline.</summary>
    public long BytesOut { get; init; }

    /// <summary>How often workers were started again.</summary>
    public long WorkerRestarts { get; init; }

    /// <summary>Messages that found no receiver.</summary>
    public long RoutingErrors { get; init; }

    /// <summary>Socket clients that came.</summary>
    public long ClientConnects { get; init; }

    /// <summary>Socket clients that went.</summary>
    public long ClientDisconnects { get; init; }

    /// <summary>Requests sent.</summary>
    public long Requests { get; init; }

    /// <summary>Requests that were answered with a result.</summary>
    public long Results { get; init; }

    /// <summary>Requests that ended in an error, a timeout or a cancellation.</summary>
    public long Failures { get; init; }

    /// <summary>How often requests were made again after a failure; each time counts as a request of its own, too.</summary>
    public long Retries { get; init; }

    /// <summary>Answers that came after their request was given up, or to no request.</summary>
    public long LateReplies { get; init; }

    /// <summary>Notifications that several requests could own; the oldest got them.</summary>
    public long AmbiguousChunks { get; init; }

    /// <summary>Notifications nobody was there for, and those that full subscriptions dropped.</summary>
    public long DroppedNotifications { get; init; }

    /// <summary>Lines of workers that were not JSON-RPC; they were skipped.</summary>
    public long InvalidLines { get; init; }

    /// <summary>Requests that were moved from a dead worker to another.</summary>
    public long Requeued { get; init; }

    /// <summary>Requests that workers sent.</summary>
    public long WorkerRequests { get; init; }

    /// <summary>Those of <see cref="WorkerRequests"/> that nothing here answers, or that were too many.</summary>
    public long RefusedWorkerRequests { get; init; }

    /// <summary>Sessions forgotten because there were too many.</summary>
    public long SessionsEvicted { get; init; }

    /// <summary>How often a full queue made a sender wait or fail.</summary>
    public long Backpressure { get; init; }

    /// <summary>Messages that are missing in the trace, because its file did not take them fast enough, or at all.</summary>
    public long DroppedTraceLines { get; init; }

    /// <summary>How long the answers took, by method, in the order of their names; methods without an answer are not in it.</summary>
    public IReadOnlyList<MethodLatency> Latency { get; init; } = [];
}
