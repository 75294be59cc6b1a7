using System.Text.Json;
using System.Text.Json.Nodes;

namespace StdioBus;

/// <summary>Turns what a caller gives as parameters into JSON text.</summary>
internal static class ParamsWriter
{
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    /// <summary>Writes them; nothing for null. The result is one line.</summary>
    /// <param name="into">Where to.</param>
    /// <param name="parameters">What the caller gave.</param>
    /// <param name="options">How .NET values are written; null for <see cref="ExactJson.Options"/>.</param>
    /// <exception cref="BusInvalidArgumentException">They are neither an object nor an array, or cannot be written.</exception>
    public static void Write(ByteBuffer into, object? parameters, JsonSerializerOptions? options = null)
    {
        bool isContainer;
        switch (parameters)
        {
            case null:
                return;
            case RawJson raw:
                into.Write(raw.Utf8.Span);
                isContainer = JsonScan.IsOneContainer(into.Written);
                break;
            case JsonElement { ValueKind: JsonValueKind.Undefined }:
                return;
            default:
                // The serializer writes one whole value.
                Serialize(into, parameters, "parameters", options ?? ExactJson.Options);
                isContainer = into.Length > 0 && into.Written[0] is (byte)'{' or (byte)'[';
                break;
        }

        if (into.Length == 4 && into.Written.SequenceEqual("null"u8))
        {
            into.Clear();
            return;
        }

        if (!isContainer)
            throw new BusInvalidArgumentException(
                $"parameters: expected a JSON object or array, or null; got {Describe(parameters, into.Written)}.");
        MakeOneLine(into.Written);
    }

    /// <summary>Writes any one JSON value, <c>null</c> for null. The result is one line.</summary>
    /// <param name="into">Gets the value.</param>
    /// <param name="value">The value, in any of the forms in which parameters are taken.</param>
    /// <param name="what">What to call it in an error.</param>
    /// <exception cref="BusInvalidArgumentException">It cannot be written, or is no JSON value.</exception>
    public static void WriteValue(ByteBuffer into, object? value, string what)
    {
        switch (value)
        {
            case null or JsonElement { ValueKind: JsonValueKind.Undefined }:
                into.Write("null"u8);
                break;
            case RawJson raw:
                if (!JsonScan.IsOneValue(raw.Utf8.Span))
                    throw new BusInvalidArgumentException($"{what}: expected one JSON value, got the text {Excerpt(raw.Utf8.Span)}.");
                into.Write(raw.Utf8.Span);
                break;
            default:
                Serialize(into, value, what, ExactJson.Options);
                break;
        }

        MakeOneLine(into.Written);
    }

    /// <summary>A message is one line: line breaks, which valid JSON has between its tokens only, become blanks.</summary>
    public static void MakeOneLine(Span<byte> json)
    {
        int first = json.IndexOfAny((byte)'\n', (byte)'\r');
        if (first < 0)
            return;
        json[first..].Replace((byte)'\n', (byte)' ');
        json[first..].Replace((byte)'\r', (byte)' ');
    }

    private static void Serialize(ByteBuffer into, object parameters, string what, JsonSerializerOptions options)
    {
        int start = into.Length;

        // Taken, as what is written may send requests itself.
        Utf8JsonWriter writer = t_writer ?? new Utf8JsonWriter(into, ExactJson.WriterOptions);
        t_writer = null;
        writer.Reset(into);
        try
        {
            switch (parameters)
            {
                case JsonElement element:
                    element.WriteTo(writer);
                    break;
                case JsonDocument document:
                    document.WriteTo(writer);
                    break;
                case JsonNode node:
                    node.WriteTo(writer, options);
                    break;
                default:
                    JsonSerializer.Serialize(writer, parameters, parameters.GetType(), options);
                    break;
            }

            writer.Flush();
        }
        catch (InvalidOperationException) when (parameters is JsonElement or JsonDocument)
        {
            // A string in it has a lone surrogate, as an escape: only the text keeps that.
            into.Truncate(start);
            JsonElement element = parameters is JsonDocument document ? document.RootElement : (JsonElement)parameters;
            into.Write(System.Text.Encoding.UTF8.GetBytes(element.GetRawText()));
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            throw new BusInvalidArgumentException(
                $"{what}: a value of type '{parameters.GetType()}' cannot be written as JSON: {error.Message}", error);
        }
        finally
        {
            writer.Reset(Stream.Null);
            t_writer = writer;
        }
    }

    private static string Describe(object parameters, ReadOnlySpan<byte> json) => parameters is RawJson
        ? $"the text {Excerpt(json)}"
        : $"a value of type '{parameters.GetType()}'";

    private static string Excerpt(ReadOnlySpan<byte> json)
    {
        string text = System.Text.Encoding.UTF8.GetString(json[..Math.Min(json.Length, 60)]);
        return json.Length > 60 ? $"'{text}' …" : $"'{text}'";
    }
}
