using System.Buffers.Text;

namespace StdioBus;

/// <summary>The member <c>_bus</c>, with which a line between here and a daemon says whence it comes or where it is to go.</summary>
internal static class BusLine
{
    /// <summary>Takes the member off a line of an annotated connection. What is left is in place: one byte of the line changes.</summary>
    /// <param name="line">The line.</param>
    /// <param name="workerId">The worker that sent it; -1 for the bus itself.</param>
    /// <returns>The message without the member; empty when the line has none.</returns>
    public static ReadOnlySpan<byte> TakeOff(Span<byte> line, out int workerId)
    {
        ReadOnlySpan<byte> begin = "{\"_bus\":{"u8;
        workerId = -1;
        if (!line.StartsWith(begin))
            return default;
        int end = JsonScan.SkipValue(line, begin.Length - 1);
        if (end < 0 || end >= line.Length)
            return default;
        var members = new JsonMembers(line, begin.Length - 1);
        while (members.MoveNext())
            if (members.NameIs("worker"u8) && Utf8Parser.TryParse(members.Value.Of(line), out int id, out _))
                workerId = id;
        int rest = line[end] == (byte)',' ? end : end - 1;
        line[rest] = (byte)'{';
        return line[rest..];
    }

    /// <summary>Writes a message with its route as a line, but for the message's own bytes, which begin at what is returned.</summary>
    public static int WriteRoute(ByteBuffer into, in OutgoingMessage message)
    {
        ReadOnlySpan<byte> json = message.Buffer.AsSpan(0, message.Length);
        int start = JsonScan.SkipSpace(json, 0) + 1;
        int end = JsonScan.SkipSpace(json, start);
        into.Write("{\"_bus\":{"u8);
        int empty = into.Length;
        if (message.WorkerId >= 0)
        {
            into.Write("\"worker\":"u8);
            JsonStrings.WriteNumber(into, message.WorkerId);
        }
        else if (message.Pool is { } pool)
        {
            into.Write("\"pool\":"u8);
            JsonStrings.Write(into, pool);
        }

        if (message.Session is { } session)
        {
            into.Write(into.Length == empty ? "\"session\":"u8 : ",\"session\":"u8);
            JsonStrings.Write(into, session);
        }

        if (message.Verbatim)
            into.Write(into.Length == empty ? "\"verbatim\":true"u8 : ",\"verbatim\":true"u8);
        if (message.Cookie != 0)
            into.Write(into.Length == empty ? "\"tell\":true"u8 : ",\"tell\":true"u8);
        into.Write(end < json.Length && json[end] == (byte)'}' ? "}"u8 : "},"u8);
        return start;
    }
}
