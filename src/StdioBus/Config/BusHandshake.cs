using System.Text.Json;

namespace StdioBus;

/// <summary>Makes the messages of <see cref="BusPool.Handshake"/>.</summary>
public static class BusHandshake
{
    /// <summary>
    /// The request <c>initialize</c> and, where its <c>protocolVersion</c> is a string, which tells MCP, the notification
    /// <c>notifications/initialized</c>.
    /// </summary>
    /// <param name="parameters">The params of the request: an object.</param>
    /// <exception cref="BusInvalidArgumentException">They are no object.</exception>
    public static IList<RawJson> Initialize(RawJson parameters)
    {
        if (Facts(parameters) is not { } facts)
            throw new BusInvalidArgumentException($"The params of initialize must be a JSON object, not {Excerpt(parameters)}.");
        RawJson request = new($$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{parameters}}}""");
        return facts.HasTextVersion ? [request, new RawJson("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")] : [request];
    }

    /// <summary>What the params of a message's request <c>initialize</c> tell; null when it is none.</summary>
    internal static ParamsFacts? FactsOfInitialize(RawJson message)
    {
        ReadOnlySpan<byte> json = message.Utf8.Span;
        bool isInitialize = false;
        JsonSlice parameters = default;
        var members = new JsonMembers(json, JsonScan.SkipSpace(json, 0));
        while (members.MoveNext())
        {
            if (members.NameIs("method"u8))
                isInitialize = members.Value.IsString(json) && JsonStrings.Decode(members.Value.Of(json)) == "initialize";
            else if (members.NameIs("params"u8))
                parameters = members.Value;
        }

        return isInitialize && parameters.IsPresent ? ParamsFacts.Read(parameters.Of(json)) : null;
    }

    private static ParamsFacts? Facts(RawJson parameters)
    {
        try
        {
            return parameters.ToElement().ValueKind == JsonValueKind.Object ? ParamsFacts.Read(parameters.Utf8.Span) : null;
        }
        catch (JsonException error)
        {
            throw new BusInvalidArgumentException($"The params of initialize are not JSON: {error.Message}", error);
        }
    }

    private static string Excerpt(RawJson value)
    {
        string text = value.ToString();
        return text.Length <= 40 ? text : text[..40] + " …";
    }
}
