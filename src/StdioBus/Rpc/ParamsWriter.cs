using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace StdioBus;

/// <summary>Turns what a caller gives as parameters into JSON text.</summary>
internal static class ParamsWriter
{
    private static readonly JsonSerializerOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = JsonElements.MaxDepth,
    };

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = JsonElements.MaxDepth,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    /// <summary>Writes them; nothing for null. The result is one line.</summary>
    /// <exception cref="BusInvalidArgumentException">They are neither an object nor an array, or cannot be written.</exception>
    public static void Write(ByteBuffer into, object? parameters)
    {
        switch (parameters)
        {
            case null:
                return;
            case RawJson raw:
                into.Write(raw.Utf8.Span);
                break;
            case JsonElement { ValueKind: JsonValueKind.Undefined }:
                return;
            default:
                Serialize(into, parameters, "parameters");
                break;
        }

        if (into.Length == 4 && into.Written.SequenceEqual("null"u8))
        {
            into.Clear();
            return;
        }

        if (!JsonScan.IsOneContainer(into.Written))
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
                Serialize(into, value, what);
                break;
        }

        MakeOneLine(into.Written);
    }

    /// <summary>A message is one line: line breaks, which valid JSON has between its tokens only, become blanks.</summary>
    public static void MakeOneLine(Span<byte> json)
    {
        json.Replace((byte)'\n', (byte)' ');
        json.Replace((byte)'\r', (byte)' ');
    }

    private static void Serialize(ByteBuffer into, object parameters, string what)
    {
        Utf8JsonWriter writer = t_writer ??= new Utf8JsonWriter(into, WriterOptions);
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
                    node.WriteTo(writer, Options);
                    break;
                default:
                    JsonSerializer.Serialize(writer, parameters, parameters.GetType(), Options);
                    break;
            }

            writer.Flush();
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            throw new BusInvalidArgumentException(
                $"{what}: a value of type '{parameters.GetType()}' cannot be written as JSON: {error.Message}", error);
        }
        finally
        {
            t_writer.Reset(Stream.Null);
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
