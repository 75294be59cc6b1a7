namespace StdioBus;

/// <summary>What the protocol layer counts. Each is changed with <see cref="Interlocked"/>.</summary>
internal sealed class BusCounters
{
    public long Requests;
    public long Results;
    public long Failures;
    public long Retries;
    public long LateReplies;
    public long Ambiguous;
    public long DroppedNotifications;
    public long Unreadable;
    public long WorkerRequests;
    public long RefusedWorkerRequests;
    public long DroppedTraceLines;

    /// <summary>The kernel's counters with these added.</summary>
    public BusStatistics AddTo(BusStatistics kernel) => kernel with
    {
        Requests = Interlocked.Read(ref Requests),
        Results = Interlocked.Read(ref Results),
        Failures = Interlocked.Read(ref Failures),
        Retries = Interlocked.Read(ref Retries),
        LateReplies = Sum(kernel.LateReplies, ref LateReplies),
        AmbiguousChunks = Interlocked.Read(ref Ambiguous),
        DroppedNotifications = Interlocked.Read(ref DroppedNotifications),
        InvalidLines = Sum(kernel.InvalidLines, ref Unreadable),
        WorkerRequests = Interlocked.Read(ref WorkerRequests),
        RefusedWorkerRequests = Interlocked.Read(ref RefusedWorkerRequests),
        DroppedTraceLines = Interlocked.Read(ref DroppedTraceLines),
    };

    // Without the kernel's part a sum would pretend to know it.
    private static long Sum(long kernel, ref long ours) => kernel < 0 ? -1 : kernel + Interlocked.Read(ref ours);
}
