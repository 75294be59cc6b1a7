namespace StdioBus;

/// <summary>The kernel's limits. One that is null has the kernel's default, given with each.</summary>
public sealed class BusLimits
{
    internal const long DefaultMaxInputBuffer = 10 * 1024 * 1024;

    /// <summary>Longest message, in bytes: 10 MiB. 1 to 2,147,483,647.</summary>
    public long? MaxInputBuffer { get; set; }

    /// <summary>Bytes that may wait to be written to one receiver: 40 MiB. 1 to 1 TiB.</summary>
    public long? MaxOutputQueue { get; set; }

    /// <summary>How often a worker is started again within <see cref="RestartWindowSeconds"/>: 5. 0 means never.</summary>
    public int? MaxRestarts { get; set; }

    /// <summary>The time in which restarts are counted: 60 s.</summary>
    public int? RestartWindowSeconds { get; set; }

    /// <summary>How long a stop waits for requests of socket clients in flight: 30 s. 0 means the default.</summary>
    public int? DrainTimeoutSeconds { get; set; }

    /// <summary>How long a worker may leave a full queue unread before it is started anew: 60 s.</summary>
    public int? BackpressureTimeoutSeconds { get; set; }

    /// <summary>Sessions remembered at once: 65,536.</summary>
    public long? MaxSessions { get; set; }

    /// <summary>Requests in flight at once: 65,536.</summary>
    public long? MaxPending { get; set; }

    /// <summary>Requests in flight at once of one socket client: 16,384. 1 to 100,000,000.</summary>
    public long? MaxPendingPerClient { get; set; }

    /// <summary>Socket clients at once: 1,024.</summary>
    public int? MaxClients { get; set; }

    /// <summary>How long a worker may take to answer its pool's <see cref="BusPool.Handshake"/>: 30 s. 1 to 86,400.</summary>
    public int? StartupTimeoutSeconds { get; set; }

    /// <summary>Whether every limit has its default.</summary>
    internal bool IsEmpty => LimitFields.All.All(limit => limit.Get(this) is null);

    internal BusLimits Copy() => (BusLimits)MemberwiseClone();

    /// <summary>These limits, with those that <paramref name="over"/> sets taken from there.</summary>
    internal BusLimits OverriddenBy(BusLimits? over)
    {
        BusLimits merged = Copy();
        foreach (LimitField field in LimitFields.All)
            if (over is not null && field.Get(over) is { } value)
                field.Set(merged, value);
        return merged;
    }
}
