namespace StdioBus;

/// <summary>What routing and correlation need to know of a request's parameters.</summary>
internal readonly record struct ParamsFacts
{
    /// <summary>Where <c>_meta</c> stands, when it is an object.</summary>
    public JsonSlice Meta { get; init; }

    /// <summary><c>sessionId</c> when it is a string.</summary>
    public string? SessionId { get; init; }

    /// <summary>The caller's own <c>_meta.progressToken</c>, in the form in which tokens are compared.</summary>
    public string? ProgressToken { get; init; }

    /// <summary>Whether <c>_meta</c> has a <c>traceparent</c> of the caller's own.</summary>
    public bool HasTraceParent { get; init; }

    /// <summary>Whether <c>protocolVersion</c> is a string.</summary>
    public bool HasTextVersion { get; init; }

    /// <summary>Whether <c>protocolVersion</c> is a number.</summary>
    public bool HasNumberVersion { get; init; }

    /// <summary>Finds them; <paramref name="json"/> is one object or array, or empty.</summary>
    public static ParamsFacts Read(ReadOnlySpan<byte> json)
    {
        int start = JsonScan.SkipSpace(json, 0);
        if (start >= json.Length || json[start] != (byte)'{')
            return default;
        JsonSlice session = default, meta = default, version = default;
        var members = new JsonMembers(json, start);
        while (members.MoveNext())
        {
            if (members.NameIs("sessionId"u8))
                session = members.Value;
            else if (members.NameIs("_meta"u8))
                meta = members.Value;
            else if (members.NameIs("protocolVersion"u8))
                version = members.Value;
        }

        JsonSlice token = default;
        bool hasTraceParent = false;
        if (meta.IsObject(json))
        {
            var inner = new JsonMembers(json, meta.Start);
            while (inner.MoveNext())
            {
                if (inner.NameIs("progressToken"u8))
                    token = inner.Value;
                else if (inner.NameIs("traceparent"u8))
                    hasTraceParent = true;
            }
        }

        return new ParamsFacts
        {
            Meta = meta,
            SessionId = session.IsString(json) ? JsonStrings.Decode(session.Of(json)) : null,
            ProgressToken = token.IsPresent ? ProgressTokens.Normalise(token.Of(json)) : null,
            HasTraceParent = hasTraceParent,
            HasTextVersion = version.IsString(json),
            HasNumberVersion = version.IsPresent && json[version.Start] is >= (byte)'0' and <= (byte)'9',
        };
    }
}
