using System.Text.Json;

namespace StdioBus;

/// <summary>Reads what a daemon answers when it is asked how things are. What it does not tell is −1.</summary>
internal static class DaemonReports
{
    /// <summary>Nothing is known.</summary>
    public static BackendSnapshot Unknown { get; } = ReadStats(default);

    /// <summary>The answer to <c>stdio_bus/stats</c>.</summary>
    public static BackendSnapshot ReadStats(JsonElement stats) => new()
    {
        WorkerCount = (int)Number(stats, "workersRunning"),
        ClientCount = (int)Number(stats, "clients"),
        SessionCount = (int)Number(stats, "sessions"),
        PendingCount = (int)Number(stats, "pending"),
        Statistics = new BusStatistics
        {
            MessagesIn = Number(stats, "messagesIn"),
            MessagesOut = Number(stats, "messagesOut"),
            BytesIn = Number(stats, "bytesIn"),
            BytesOut = Number(stats, "bytesOut"),
            WorkerRestarts = Number(stats, "workerRestarts"),
            RoutingErrors = Number(stats, "routingErrors"),
            ClientConnects = Number(stats, "clientConnects"),
            ClientDisconnects = Number(stats, "clientDisconnects"),
            LateReplies = Number(stats, "lateReplies"),
            InvalidLines = Number(stats, "invalidLines"),
            Requeued = Number(stats, "requeued"),
            SessionsEvicted = Number(stats, "sessionsEvicted"),
            Backpressure = Number(stats, "backpressure"),
        },
    };

    /// <summary>Whether the answer to <c>stdio_bus/annotate</c> has a notification among those that the daemon sends.</summary>
    public static bool Tells(JsonElement answer, string notification) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("tells", out JsonElement tells) && tells.ValueKind == JsonValueKind.Array
        && tells.EnumerateArray().Any(name => name.ValueKind == JsonValueKind.String && name.GetString() == notification);

    /// <summary>The answer to <c>stdio_bus/workers</c>.</summary>
    public static IReadOnlyList<BusWorker> ReadWorkers(JsonElement answer, string busName)
    {
        var workers = new List<BusWorker>();
        if (answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("workers", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
            foreach (JsonElement each in list.EnumerateArray())
                workers.Add(ReadWorker(each, busName));
        return workers;
    }

    private static BusWorker ReadWorker(JsonElement worker, string busName)
    {
        long startedMs = Number(worker, "startedAt");
        DateTimeOffset? started = startedMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(startedMs).ToLocalTime() : null;
        int pid = (int)Number(worker, "pid");
        TimeSpan uptime = pid > 0 && started is { } start ? DateTimeOffset.Now - start : TimeSpan.Zero;
        long exitCode = Number(worker, "lastExitCode");
        long signal = Number(worker, "lastExitSignal");
        return new BusWorker
        {
            Id = (int)Number(worker, "id"),
            Pool = Text(worker, "pool") ?? "",
            BusName = busName,
            ProcessId = pid,
            State = Enum.TryParse(Text(worker, "state"), ignoreCase: true, out WorkerState state) ? state : WorkerState.Starting,
            StartedAt = started,
            Uptime = uptime > TimeSpan.Zero ? uptime : TimeSpan.Zero,
            Restarts = Number(worker, "restarts"),
            Sessions = Number(worker, "sessions"),
            Pending = Number(worker, "pending"),
            MessagesIn = Number(worker, "messagesIn"),
            MessagesOut = Number(worker, "messagesOut"),
            BytesIn = Number(worker, "bytesIn"),
            BytesOut = Number(worker, "bytesOut"),
            InvalidLines = Number(worker, "invalidLines"),
            QueuedBytes = Number(worker, "queuedBytes"),
            IsPaused = Number(worker, "paused") > 0,
            LastExitCode = exitCode >= 0 ? (int)exitCode : null,
            LastExitSignal = signal > 0 ? (int)signal : null,
            LastExitReason = Text(worker, "lastReason"),
            StandardErrorTail = Text(worker, "stderr") ?? "",
            Handshake = worker.ValueKind == JsonValueKind.Object && worker.TryGetProperty("handshake", out JsonElement handshake) ? new RawJson(handshake.GetRawText()) : null,
        };
    }

    private static long Number(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : -1;

    private static string? Text(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
