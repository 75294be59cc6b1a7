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

    /// <summary>Finds them in a message's <c>params</c>, which may be an array.</summary>
    /// <param name="json">The message.</param>
    /// <param name="place">The member <c>params</c>.</param>
    public static NotificationKeys Read(ReadOnlySpan<byte> json, ref JsonMembers place)
    {
        if (!place.IsObject)
            return default;
        JsonSlice session = default, token = default, requestId = default, id = default, update = default, kind = default, text = default;
        JsonMembers members = place.Enter();
        while (members.MoveNext())
        {
            if (members.NameIs("sessionId"u8))
            {
                session = members.Value;
            }
            else if (members.NameIs("progressToken"u8))
            {
                token = members.Value;
            }
            else if (members.NameIs("requestId"u8))
            {
                requestId = members.Value;
            }
            else if (members.NameIs("id"u8))
            {
                id = members.Value;
            }
            else if (members.NameIs("update"u8))
            {
                (kind, text) = ReadUpdate(ref members);
                update = members.Value;
            }
        }

        place.Leave(members);
        return new NotificationKeys
        {
            SessionId = session.IsString(json) ? session : default,
            ProgressToken = token,
            RequestId = requestId.IsPresent ? requestId : id,
            Update = update,
            UpdateKind = kind.IsString(json) ? kind : default,
            Text = text.IsString(json) ? text : default,
        };
    }

    private static (JsonSlice Kind, JsonSlice Text) ReadUpdate(ref JsonMembers place)
    {
        if (!place.IsObject)
            return default;
        JsonSlice kind = default, text = default;
        JsonMembers members = place.Enter();
        while (members.MoveNext())
        {
            if (members.NameIs("sessionUpdate"u8))
                kind = members.Value;
            else if (members.NameIs("content"u8))
                text = ReadText(ref members);
        }

        place.Leave(members);
        return (kind, text);
    }

    private static JsonSlice ReadText(ref JsonMembers place)
    {
        if (!place.IsObject)
            return default;
        JsonSlice text = default;
        JsonMembers members = place.Enter();
        while (members.MoveNext())
            if (members.NameIs("text"u8))
                text = members.Value;
        place.Leave(members);
        return text;
    }
}
