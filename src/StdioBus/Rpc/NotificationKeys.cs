namespace StdioBus;

/// <summary>What in a notification's <c>params</c> tells to which call it belongs, and what kind of update it is.</summary>
internal readonly record struct NotificationKeys
{
    public JsonSlice SessionId { get; init; }

    public JsonSlice ProgressToken { get; init; }

    /// <summary><c>requestId</c>, else <c>id</c>.</summary>
    public JsonSlice RequestId { get; init; }

    /// <summary><c>update</c> of an ACP <c>session/update</c>.</summary>
    public JsonSlice Update { get; init; }

    /// <summary><c>update.sessionUpdate</c>, a string.</summary>
    public JsonSlice UpdateKind { get; init; }

    /// <summary><c>update.content.text</c>, a string.</summary>
    public JsonSlice Text { get; init; }

    /// <summary>Finds them; <paramref name="place"/> may be absent or an array.</summary>
    public static NotificationKeys Read(ReadOnlySpan<byte> json, JsonSlice place)
    {
        if (!place.IsObject(json))
            return default;
        JsonSlice session = default, token = default, requestId = default, id = default, update = default;
        var members = new JsonMembers(json, place);
        while (members.MoveNext())
        {
            if (members.NameIs("sessionId"u8))
                session = members.Value;
            else if (members.NameIs("progressToken"u8))
                token = members.Value;
            else if (members.NameIs("requestId"u8))
                requestId = members.Value;
            else if (members.NameIs("id"u8))
                id = members.Value;
            else if (members.NameIs("update"u8))
                update = members.Value;
        }

        (JsonSlice kind, JsonSlice text) = ReadUpdate(json, update);
        return new NotificationKeys
        {
            SessionId = session.IsString(json) ? session : default,
            ProgressToken = token,
            RequestId = requestId.IsPresent ? requestId : id,
            Update = update,
            UpdateKind = kind,
            Text = text,
        };
    }

    private static (JsonSlice Kind, JsonSlice Text) ReadUpdate(ReadOnlySpan<byte> json, JsonSlice update)
    {
        if (!update.IsObject(json))
            return default;
        JsonSlice kind = default, content = default;
        var members = new JsonMembers(json, update);
        while (members.MoveNext())
        {
            if (members.NameIs("sessionUpdate"u8))
                kind = members.Value;
            else if (members.NameIs("content"u8))
                content = members.Value;
        }

        JsonSlice text = default;
        if (content.IsObject(json))
        {
            var parts = new JsonMembers(json, content);
            while (parts.MoveNext())
                if (parts.NameIs("text"u8))
                    text = parts.Value;
        }

        return (kind.IsString(json) ? kind : default, text.IsString(json) ? text : default);
    }
}
