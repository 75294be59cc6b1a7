namespace StdioBus;

/// <summary>How a worker is told that a request was given up.</summary>
internal static class CancellationNotice
{
    /// <summary>Writes the notice; false when the dialect, or this request, has none.</summary>
    public static bool Write(ByteBuffer into, CallIds ids, PendingCall call, string reason)
    {
        Dialect dialect = DialectFor(call);
        var scratch = new ByteBuffer();
        string method;
        switch (dialect)
        {
            case Dialect.Mcp:
                method = "notifications/cancelled";
                scratch.Write("{\"requestId\":"u8);
                ids.Write(scratch, call.Id);
                scratch.Write(",\"reason\":"u8);
                JsonStrings.Write(scratch, reason);
                break;
            case Dialect.JsonRpcCancel:
                method = "$/cancelRequest";
                scratch.Write("{\"id\":"u8);
                ids.Write(scratch, call.Id);
                break;
            case Dialect.Acp when IsPrompt(call, out string? session):
                method = "session/cancel";
                scratch.Write("{\"sessionId\":"u8);
                JsonStrings.Write(scratch, session);
                break;
            default:
                return false;
        }

        scratch.WriteByte((byte)'}');
        bool hasEnvelope = call.Pool!.Envelope == EnvelopeKind.StdioBus;
        MessageComposer.WriteNotification(into, method, scratch.Written, new(hasEnvelope ? call.RouteSession : null, null, null));
        scratch.Release();
        return true;
    }

    /// <summary>Whether a worker still has to answer what was given up. In MCP it is not to answer what it is told to leave.</summary>
    public static bool LeavesAnswerDue(PendingCall call) => DialectFor(call) != Dialect.Mcp;

    /// <summary>Whether the worker is told.</summary>
    public static bool IsTold(PendingCall call) => DialectFor(call) switch
    {
        Dialect.Mcp or Dialect.JsonRpcCancel => true,
        Dialect.Acp => IsPrompt(call, out _),
        _ => false,
    };

    private static bool IsPrompt(PendingCall call, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? session)
    {
        session = call.Method == "session/prompt" ? call.ParamsSession ?? call.RouteSession : null;
        return session is not null;
    }

    private static Dialect DialectFor(PendingCall call) => call.Method == "initialize" ? Dialect.Plain : call.Pool?.Dialect ?? Dialect.Plain;
}
