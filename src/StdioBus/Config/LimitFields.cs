namespace StdioBus;

/// <summary>One limit: its name in JSON, its range, and its property.</summary>
internal sealed record LimitField(string JsonName, string PropertyName, long Min, long Max, Func<BusLimits, long?> Get, Action<BusLimits, long?> Set);

/// <summary>All limits, in the order in which they are written.</summary>
internal static class LimitFields
{
    private const long MostSeconds = 86_400;
    private const long MostEntries = 100_000_000;

    public static readonly IReadOnlyList<LimitField> All =
    [
        new("max_input_buffer", nameof(BusLimits.MaxInputBuffer), 1, int.MaxValue, l => l.MaxInputBuffer, (l, v) => l.MaxInputBuffer = v),
        new("max_output_queue", nameof(BusLimits.MaxOutputQueue), 1, 1L << 40, l => l.MaxOutputQueue, (l, v) => l.MaxOutputQueue = v),
        new("max_restarts", nameof(BusLimits.MaxRestarts), 0, 1_000_000, l => l.MaxRestarts, (l, v) => l.MaxRestarts = (int?)v),
        new("restart_window_sec", nameof(BusLimits.RestartWindowSeconds), 1, MostSeconds, l => l.RestartWindowSeconds, (l, v) => l.RestartWindowSeconds = (int?)v),
        new("drain_timeout_sec", nameof(BusLimits.DrainTimeoutSeconds), 0, MostSeconds, l => l.DrainTimeoutSeconds, (l, v) => l.DrainTimeoutSeconds = (int?)v),
        new("backpressure_timeout_sec", nameof(BusLimits.BackpressureTimeoutSeconds), 1, MostSeconds, l => l.BackpressureTimeoutSeconds, (l, v) => l.BackpressureTimeoutSeconds = (int?)v),
        new("max_sessions", nameof(BusLimits.MaxSessions), 1, MostEntries, l => l.MaxSessions, (l, v) => l.MaxSessions = v),
        new("max_pending", nameof(BusLimits.MaxPending), 1, MostEntries, l => l.MaxPending, (l, v) => l.MaxPending = v),
        new("max_pending_per_client", nameof(BusLimits.MaxPendingPerClient), 1, MostEntries, l => l.MaxPendingPerClient, (l, v) => l.MaxPendingPerClient = v),
        new("max_clients", nameof(BusLimits.MaxClients), 1, 1_000_000, l => l.MaxClients, (l, v) => l.MaxClients = (int?)v),
        new("startup_timeout_sec", nameof(BusLimits.StartupTimeoutSeconds), 1, MostSeconds, l => l.StartupTimeoutSeconds, (l, v) => l.StartupTimeoutSeconds = (int?)v),
    ];
}
