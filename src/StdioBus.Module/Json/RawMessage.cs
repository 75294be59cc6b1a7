using System.Management.Automation;
using System.Text.Json;

namespace StdioBus.Module.Json;

/// <summary>A JSON-RPC message that a user wrote, checked as far as it would otherwise vanish on its way.</summary>
/// <param name="Json">The message on one line.</param>
/// <param name="IsRequest">Whether it is a request, neither a notification nor an answer.</param>
/// <param name="HasRoute">Whether it says itself where it goes, by a pool or a session.</param>
internal sealed record RawMessage(RawJson Json, bool IsRequest, bool HasRoute)
{
    /// <summary>Reads JSON text, or writes an object as JSON.</summary>
    /// <exception cref="JsonConversionException">It is not one JSON object, or neither a request, a notification nor an answer.</exception>
    public static RawMessage From(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        byte[] json = data is string text ? JsonOneLine.FromText(text) : PowerShellJsonWriter.Write(value);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = JsonLimits.MaxDepth });
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
            throw new JsonConversionException("a JSON array is a batch, which is not supported: send its messages one by one");

        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonConversionException($"expected a JSON object, got {Kind(reader.TokenType)}");

        bool hasRoute = false;
        var members = new Dictionary<string, JsonTokenType>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonStringText.Decode(reader.ValueSpan);
            reader.Read();
            members[name] = reader.TokenType;
            hasRoute |= name is "pool" or "sessionId" || (name == "params" && HasSession(reader));
            reader.Skip();
        }

        Check(members);
        return new RawMessage(new RawJson(json), members.ContainsKey("method") && members.ContainsKey("id"), hasRoute);
    }

    // The reader is a copy: its caller's stays where it is.
    private static bool HasSession(Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            return false;

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (JsonStringText.Decode(reader.ValueSpan) == "sessionId")
                return true;

            reader.Skip();
        }

        return false;
    }

    private static void Check(Dictionary<string, JsonTokenType> members)
    {
        if (members.TryGetValue("method", out JsonTokenType method))
        {
            if (method != JsonTokenType.String)
                throw new JsonConversionException($"'method' must be a string, not {Kind(method)}");

            if (members.TryGetValue("id", out JsonTokenType id) && id is not (JsonTokenType.String or JsonTokenType.Number or JsonTokenType.Null))
                throw new JsonConversionException($"'id' must be a string, a number or null, not {Kind(id)}");
        }
        else if (!members.ContainsKey("id") || !(members.ContainsKey("result") || members.ContainsKey("error")))
        {
            throw new JsonConversionException("it is neither a request nor a notification nor an answer: 'method' is missing, or 'id' with 'result' or 'error'");
        }
    }

    private static string Kind(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "a boolean",
    };
}
