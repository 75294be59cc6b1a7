namespace StdioBus;

/// <summary>A notification while it is handed out: still in the kernel's memory, and copied at most once.</summary>
internal ref struct IncomingNotification
{
    private ReceivedMessage? _copy;

    public ReadOnlySpan<byte> Json { get; init; }

    public JsonSlice Params { get; init; }

    public NotificationKeys Keys { get; init; }

    public string Method { get; init; }

    public string? SessionId { get; init; }

    public string Pool { get; init; }

    public int WorkerId { get; init; }

    public long Sequence { get; init; }

    /// <summary>What kind of stream event it is.</summary>
    public readonly StreamEventType Type
    {
        get
        {
            if (!Keys.UpdateKind.IsPresent)
                return Method switch
                {
                    "notifications/progress" or "$/progress" => StreamEventType.Progress,
                    "notifications/message" or "window/logMessage" => StreamEventType.Log,
                    _ => StreamEventType.Update,
                };
            ReadOnlySpan<byte> kind = Keys.UpdateKind.Of(Json)[1..^1];
            if (kind.SequenceEqual("agent_message_chunk"u8))
                return Keys.Text.IsPresent ? StreamEventType.Chunk : StreamEventType.Update;
            if (kind.SequenceEqual("agent_thought_chunk"u8))
                return Keys.Text.IsPresent ? StreamEventType.Thought : StreamEventType.Update;
            if (kind.SequenceEqual("tool_call"u8))
                return StreamEventType.ToolCall;
            if (kind.SequenceEqual("tool_call_update"u8))
                return StreamEventType.ToolCallUpdate;
            return kind.SequenceEqual("plan"u8) ? StreamEventType.Plan : StreamEventType.Update;
        }
    }

    /// <summary>What stands between the quotes of a chunk's text.</summary>
    public readonly ReadOnlySpan<byte> InnerText => Keys.Text.Of(Json)[1..^1];

    /// <summary>The copy that those who keep it share.</summary>
    public ReceivedMessage Copy() => _copy ??= new ReceivedMessage(Json, Params, Keys.Update, Method)
    {
        SessionId = SessionId,
        Pool = Pool,
        WorkerId = WorkerId,
        Sequence = Sequence,
    };
}
