using System.Text.Json;

namespace StdioBus;

/// <summary>The handshake's two messages: the params of <c>stdio_bus/hello</c>, and its result.</summary>
internal static class HelloMessages
{
    public const string Method = "stdio_bus/hello";

    /// <summary>Writes the params.</summary>
    /// <exception cref="BusInvalidArgumentException">A member is missing.</exception>
    public static RawJson Write(HelloParams parameters)
    {
        if (string.IsNullOrEmpty(parameters.ProtocolVersion))
            throw new BusInvalidArgumentException($"{nameof(HelloParams.ProtocolVersion)}: expected a text that is not empty.");
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString("protocolVersion", parameters.ProtocolVersion);
            writer.WriteStartObject("extensions");
            foreach ((string name, HelloExtension extension) in parameters.Extensions)
            {
                if (extension is null)
                    throw new BusInvalidArgumentException($"{nameof(HelloParams.Extensions)}['{name}']: expected an extension, got null.");
                writer.WriteStartObject(name);
                if (extension.Version is { } version)
                    writer.WriteString("version", version);
                writer.WriteBoolean("required", extension.Required);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return new RawJson(text.ToArray());
    }

    /// <summary>Reads the result, and holds it against what was wanted.</summary>
    /// <exception cref="BusNegotiationException">It is no agreement: no version, or a required extension is not active.</exception>
    public static HelloResult Read(JsonElement result, HelloParams wanted, string? pool)
    {
        if (result.ValueKind != JsonValueKind.Object || Text(result, "negotiatedProtocolVersion") is not { } version)
            throw Failed("its answer has no 'negotiatedProtocolVersion'", pool);
        var active = new Dictionary<string, string?>(StringComparer.Ordinal);
        if (result.TryGetProperty("extensions", out JsonElement extensions) && extensions.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty extension in extensions.EnumerateObject())
                if (IsActive(extension.Value))
                    active[extension.Name] = VersionOf(extension.Value);
        string[] missing = [.. wanted.Extensions.Where(each => each.Value.Required && !active.ContainsKey(each.Key)).Select(each => $"'{each.Key}'")];
        return missing.Length == 0
            ? new HelloResult(version, Text(result, "sessionId"), active)
            : throw Failed($"not active, though required: {string.Join(", ", missing)}", pool);
    }

    // One that was offered and not chosen may be listed, too: with nothing selected.
    private static bool IsActive(JsonElement extension) => extension.ValueKind switch
    {
        JsonValueKind.Object => !extension.TryGetProperty("selected", out JsonElement selected) || selected.ValueKind is not (JsonValueKind.Null or JsonValueKind.False),
        JsonValueKind.String or JsonValueKind.True => true,
        _ => false,
    };

    private static string? VersionOf(JsonElement extension) => extension.ValueKind switch
    {
        JsonValueKind.String => extension.GetString(),
        JsonValueKind.Object => Text(extension, "selected") ?? Text(extension, "version"),
        _ => null,
    };

    private static string? Text(JsonElement element, string member) =>
        element.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static BusNegotiationException Failed(string reason, string? pool) =>
        new($"The handshake with {(pool is null ? "the agent" : $"pool '{pool}'")} failed: {reason}.") { Method = Method, Pool = pool };
}
