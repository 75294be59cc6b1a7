namespace StdioBus;

/// <summary>Writes messages: the members of JSON-RPC, and those of the StdioBus envelope where a pool has it.</summary>
internal static class MessageComposer
{
    /// <summary>The members beside JSON-RPC's own; nothing for a pool in the standard envelope.</summary>
    /// <param name="SessionId"><c>sessionId</c>.</param>
    /// <param name="Options"><c>agentId</c>, and <c>_ext</c> from identity and audit.</param>
    /// <param name="Pool"><c>pool</c>, for a kernel that takes no route beside the message.</param>
    public readonly record struct Envelope(string? SessionId, MessageOptions? Options, string? Pool);

    /// <summary>Writes a request. What is in <paramref name="added"/> goes into its params, which are an object then, or empty.</summary>
    public static void WriteRequest(ByteBuffer into, CallIds ids, long id, string method, ReadOnlySpan<byte> parameters, in ParamsFacts facts, in AddedMeta added, in Envelope envelope)
    {
        into.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        ids.Write(into, id);
        WriteMethod(into, method);
        if (added.IsEmpty)
            WriteParams(into, parameters);
        else
            WriteParamsWithMeta(into, ids, id, parameters, facts.Meta, added);
        WriteEnd(into, envelope);
    }

    /// <summary>Writes a notification.</summary>
    public static void WriteNotification(ByteBuffer into, string method, ReadOnlySpan<byte> parameters, in Envelope envelope)
    {
        into.Write("{\"jsonrpc\":\"2.0\""u8);
        WriteMethod(into, method);
        WriteParams(into, parameters);
        WriteEnd(into, envelope);
    }

    /// <summary>Writes the answer to a worker's request, with the request's id as it was.</summary>
    public static void WriteResult(ByteBuffer into, ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        into.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        into.Write(id);
        into.Write(",\"result\":"u8);
        into.Write(result);
        into.WriteByte((byte)'}');
    }

    /// <summary>Writes the error that answers a worker's request, with the request's id as it was.</summary>
    /// <param name="into">Gets the message.</param>
    /// <param name="id">The id as JSON.</param>
    /// <param name="code">The error's code.</param>
    /// <param name="message">Its message.</param>
    /// <param name="data">Its data, one JSON value; empty for none.</param>
    public static void WriteError(ByteBuffer into, ReadOnlySpan<byte> id, int code, string message, ReadOnlySpan<byte> data)
    {
        into.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        into.Write(id);
        into.Write(",\"error\":{\"code\":"u8);
        System.Buffers.Text.Utf8Formatter.TryFormat(code, into.GetSpan(11), out int digits);
        into.Advance(digits);
        into.Write(",\"message\":"u8);
        JsonStrings.Write(into, message);
        if (!data.IsEmpty)
        {
            into.Write(",\"data\":"u8);
            int start = into.Length;
            into.Write(data);
            ParamsWriter.MakeOneLine(into.Written[start..]);
        }

        into.Write("}}"u8);
    }

    private static void WriteMethod(ByteBuffer into, string method)
    {
        into.Write(",\"method\":"u8);
        JsonStrings.Write(into, method);
    }

    private static void WriteParams(ByteBuffer into, ReadOnlySpan<byte> parameters)
    {
        if (parameters.IsEmpty)
            return;
        into.Write(",\"params\":"u8);
        into.Write(parameters);
    }

    private static void WriteParamsWithMeta(ByteBuffer into, CallIds ids, long id, ReadOnlySpan<byte> parameters, JsonSlice meta, in AddedMeta added)
    {
        into.Write(",\"params\":"u8);
        if (meta.IsPresent)
        {
            // Into the object that is there, as its first members.
            into.Write(parameters[..(meta.Start + 1)]);
            added.Write(into, ids, id);
            WriteRestOfObject(into, parameters[(meta.Start + 1)..]);
            return;
        }

        into.Write("{\"_meta\":{"u8);
        added.Write(into, ids, id);
        into.WriteByte((byte)'}');
        if (parameters.IsEmpty)
            into.WriteByte((byte)'}');
        else
            WriteRestOfObject(into, parameters[(parameters.IndexOf((byte)'{') + 1)..]);
    }

    private static void WriteRestOfObject(ByteBuffer into, ReadOnlySpan<byte> rest)
    {
        if (rest[JsonScan.SkipSpace(rest, 0)] != (byte)'}')
            into.WriteByte((byte)',');
        into.Write(rest);
    }

    private static void WriteEnd(ByteBuffer into, in Envelope envelope)
    {
        if (envelope.Pool is { } pool)
            WriteMember(into, ",\"pool\":"u8, pool);
        if (envelope.SessionId is { } session)
            WriteMember(into, ",\"sessionId\":"u8, session);
        if (envelope.Options is { } options)
        {
            if (!string.IsNullOrEmpty(options.AgentId))
                WriteMember(into, ",\"agentId\":"u8, options.AgentId);
            WriteExtensions(into, options.Identity, options.Audit);
        }

        into.WriteByte((byte)'}');
    }

    private static void WriteExtensions(ByteBuffer into, Identity? identity, AuditContext? audit)
    {
        if (identity is null && audit is null)
            return;
        into.Write(",\"_ext\":"u8);
        var extensions = new ObjectWriter(into);
        if (identity is not null)
        {
            extensions.Name("identity"u8);
            var members = new ObjectWriter(into);
            members.Text("subjectId"u8, identity.SubjectId);
            members.Text("role"u8, identity.Role);
            members.Text("assertedBy"u8, identity.AssertedBy);
            members.End();
        }

        if (audit is not null)
        {
            extensions.Name("audit"u8);
            var members = new ObjectWriter(into);
            members.Text("eventId"u8, audit.EventId);
            members.Text("action"u8, audit.Action);
            members.Text("parentEventId"u8, audit.ParentEventId);
            members.Text("timestamp"u8, audit.Timestamp);
            members.Text("actor"u8, audit.Actor);
            members.Text("resource"u8, audit.Resource);
            members.Text("outcome"u8, audit.Outcome);
            members.End();
        }

        extensions.End();
    }

    private static void WriteMember(ByteBuffer into, ReadOnlySpan<byte> name, string value)
    {
        into.Write(name);
        JsonStrings.Write(into, value);
    }

    // Writes the members of one object whose empty ones are left out.
    private ref struct ObjectWriter(ByteBuffer into)
    {
        private bool _hasMembers;

        public void Name(ReadOnlySpan<byte> name)
        {
            into.WriteByte(_hasMembers ? (byte)',' : (byte)'{');
            _hasMembers = true;
            into.WriteByte((byte)'"');
            into.Write(name);
            into.Write("\":"u8);
        }

        public void Text(ReadOnlySpan<byte> name, string? value)
        {
            if (string.IsNullOrEmpty(value))
                return;
            Name(name);
            JsonStrings.Write(into, value);
        }

        public readonly void End() => into.Write(_hasMembers ? "}"u8 : "{}"u8);
    }
}
