namespace StdioBus;

/// <summary>What a line of a trace says beside its time and its message.</summary>
internal readonly record struct TraceLine
{
    /// <summary>Whether the message went to a worker.</summary>
    public bool IsOut { get; init; }

    /// <summary>Whether the kernel made the message.</summary>
    public bool FromKernel { get; init; }

    /// <summary>The worker; -1 when it is not known.</summary>
    public int Worker { get; init; }

    /// <summary>The pool; null when it is not known.</summary>
    public string? Pool { get; init; }

    /// <summary>The session that routes it; null for none.</summary>
    public string? Session { get; init; }

    /// <summary>Instead of all that: how many lines were dropped before this one.</summary>
    public long Dropped { get; init; }

    /// <summary>Writes it as members after another one.</summary>
    public void Write(ByteBuffer into)
    {
        if (Dropped > 0)
        {
            into.Write(",\"dropped\":"u8);
            JsonStrings.WriteNumber(into, Dropped);
            return;
        }

        into.Write(IsOut ? ",\"direction\":\"out\""u8 : ",\"direction\":\"in\""u8);
        if (FromKernel)
            into.Write(",\"kernel\":true"u8);
        if (Worker >= 0)
        {
            into.Write(",\"worker\":"u8);
            JsonStrings.WriteNumber(into, Worker);
        }

        if (Pool is not null)
        {
            into.Write(",\"pool\":"u8);
            JsonStrings.Write(into, Pool);
        }

        if (Session is not null)
        {
            into.Write(",\"session\":"u8);
            JsonStrings.Write(into, Session);
        }
    }
}
