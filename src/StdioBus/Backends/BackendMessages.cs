namespace StdioBus;

/// <summary>A message on its way to a worker.</summary>
/// <param name="Buffer">Holds the message; rented from the shared pool, returned by the backend. Null: no message.</param>
/// <param name="Length">How many of its bytes are the message.</param>
/// <param name="Pool">The pool; null for the only one.</param>
/// <param name="Session">The session; null for none.</param>
/// <param name="WorkerId">Exactly this worker; -1 for the router's choice.</param>
/// <param name="Verbatim">Whether no envelope member is to be looked for.</param>
/// <param name="Cookie">Comes back with the answer; 0 for messages that have none.</param>
/// <param name="Receipt">Ends when the kernel took the message, or refused it; null when nobody waits for that.</param>
internal readonly record struct OutgoingMessage(
    byte[]? Buffer,
    int Length,
    string? Pool = null,
    string? Session = null,
    int WorkerId = -1,
    bool Verbatim = false,
    ulong Cookie = 0,
    TaskCompletionSource? Receipt = null);

/// <summary>A line for the host; valid during the call only.</summary>
/// <param name="json">One JSON object.</param>
/// <param name="workerId">Who sent it; -1: unknown, or the kernel itself.</param>
/// <param name="fromKernel">Whether the kernel made it.</param>
internal readonly ref struct IncomingMessage(ReadOnlySpan<byte> json, int workerId, bool fromKernel)
{
    public ReadOnlySpan<byte> Json { get; } = json;

    public int WorkerId { get; } = workerId;

    public bool FromKernel { get; } = fromKernel;
}

/// <summary>What a backend counts; −1 where it cannot tell.</summary>
internal readonly record struct BackendSnapshot
{
    public int WorkerCount { get; init; }

    public int ClientCount { get; init; }

    public int SessionCount { get; init; }

    public int PendingCount { get; init; }

    public string? ListenEndpoint { get; init; }

    public BusStatistics Statistics { get; init; }
}
