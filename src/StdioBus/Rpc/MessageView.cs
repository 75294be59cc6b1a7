namespace StdioBus;

/// <summary>The top-level members of a message, where they stand in its bytes. Of repeated members the last counts.</summary>
internal readonly record struct MessageView
{
    public JsonSlice Id { get; init; }

    public JsonSlice Method { get; init; }

    public JsonSlice Params { get; init; }

    /// <summary>What stands in the params of a request or notification.</summary>
    public NotificationKeys Keys { get; init; }

    public JsonSlice Result { get; init; }

    public JsonSlice Error { get; init; }

    public JsonSlice SessionId { get; init; }

    /// <summary>Finds the members of one object.</summary>
    public static MessageView Read(ReadOnlySpan<byte> json)
    {
        JsonSlice id = default, method = default, parameters = default, result = default, error = default, session = default;
        NotificationKeys keys = default;
        var members = new JsonMembers(json, JsonScan.SkipSpace(json, 0));
        while (members.MoveNext())
        {
            if (members.NameIs("id"u8))
            {
                id = members.Value;
            }
            else if (members.NameIs("result"u8))
            {
                result = members.Value;
            }
            else if (members.NameIs("method"u8))
            {
                method = members.Value;
            }
            else if (members.NameIs("params"u8))
            {
                keys = NotificationKeys.Read(json, ref members);
                parameters = members.Value;
            }
            else if (members.NameIs("error"u8))
            {
                error = members.Value;
            }
            else if (members.NameIs("sessionId"u8))
            {
                session = members.Value;
            }
        }

        return new MessageView { Id = id, Method = method, Params = parameters, Keys = keys, Result = result, Error = error, SessionId = session };
    }
}
