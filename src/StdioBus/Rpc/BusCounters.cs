namespace StdioBus;

/// <summary>What the protocol layer counts. Each is changed with <see cref="Interlocked"/>.</summary>
internal sealed class BusCounters
{
    public long Requests;
    public long Results;
    public long Failures;
    public long LateReplies;
    public long Ambiguous;
    public long DroppedNotifications;
    public long Unreadable;
    public long RefusedWorkerRequests;

    /// <summary>The kernel's counters with these added.</summary>
    public BusStatistics AddTo(BusStatistics kernel) => kernel with
    {
        Requests = Interlocked.Read(ref Requests),
        Results = Interlocked.Read(ref Results),
        Failures = Interlocked.Read(ref Failures),
        LateReplies = Math.Max(kernel.LateReplies, 0) + Interlocked.Read(ref LateReplies),
        AmbiguousChunks = Interlocked.Read(ref Ambiguous),
        DroppedNotifications = Interlocked.Read(ref DroppedNotifications),
        InvalidLines = Math.Max(kernel.InvalidLines, 0) + Interlocked.Read(ref Unreadable),
        RefusedWorkerRequests = Interlocked.Read(ref RefusedWorkerRequests),
    };
}
