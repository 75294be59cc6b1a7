using System.Management.Automation;
using System.Text.Json;

namespace StdioBus.Module.Json;

/// <summary>Makes the <c>params</c> of a message from what a user gave.</summary>
internal static class RequestParams
{
    /// <summary>
    /// The bytes of one params value, or null when there is none to send. A string counts as JSON text.
    /// </summary>
    /// <exception cref="JsonConversionException">The value has no JSON form, or becomes neither an object nor an array.</exception>
    public static byte[]? From(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        if (data is null)
            return null;

        if (data is string text)
            return FromText(text);

        byte[] json = PowerShellJsonWriter.Write(value);
        if (json[0] is (byte)'{' or (byte)'[')
            return json;

        // AutomationNull, an empty JsonElement and the like say "nothing" in their own way.
        if (json.AsSpan().SequenceEqual("null"u8))
            return null;

        throw new JsonConversionException(
            $"expected an object or an array, not a {data.GetType().FullName}. Wrap it, for example @{{ value = … }}.");
    }

    private static byte[] FromText(string text)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().TrimStart();
        if (!trimmed.StartsWith("{", StringComparison.Ordinal) && !trimmed.StartsWith("[", StringComparison.Ordinal))
        {
            throw new JsonConversionException(
                "expected an object or an array. A string is taken as JSON text, and this one begins with neither { nor [. " +
                "To send a string, wrap it, for example @{ value = 'text' }.");
        }

        return JsonOneLine.FromText(text);
    }

    /// <summary>
    /// Joins two objects, member by member: those of <paramref name="input"/> win and keep the place of those they replace.
    /// </summary>
    /// <exception cref="JsonConversionException">One of them is an array.</exception>
    public static byte[] Merge(byte[] common, byte[] input)
    {
        if (FirstMark(common) != '{' || FirstMark(input) != '{')
        {
            throw new JsonConversionException(
                "-Params and the input are joined member by member, so both must be objects; one of them is an array.");
        }

        List<(string Name, Range Value)> ours = Members(common);
        List<(string Name, Range Value)> theirs = Members(input);
        var replaced = new Dictionary<string, Range>(StringComparer.Ordinal);
        foreach ((string name, Range value) in theirs)
            replaced[name] = value;

        using var text = new JsonTextWriter();
        text.Mark('{');
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, Range value) in ours)
        {
            bool wins = replaced.TryGetValue(name, out Range replacement);
            WriteMember(text, written, name, wins ? input.AsSpan()[replacement] : common.AsSpan()[value]);
        }

        foreach ((string name, Range value) in theirs)
            WriteMember(text, written, name, input.AsSpan()[value]);

        text.Mark('}');
        return text.ToArray();
    }

    private static char FirstMark(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return (char)reader.ValueSpan[0];
    }

    private static List<(string Name, Range Value)> Members(byte[] json)
    {
        var members = new List<(string, Range)>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = JsonLimits.MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonStringText.Decode(reader.ValueSpan);
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add((name, start..(int)reader.BytesConsumed));
        }

        return members;
    }

    private static void WriteMember(JsonTextWriter text, HashSet<string> written, string name, ReadOnlySpan<byte> value)
    {
        if (!written.Add(name))
            return;

        if (written.Count > 1)
            text.Mark(',');

        text.String(name);
        text.Mark(':');
        text.Literal(value);
    }
}
