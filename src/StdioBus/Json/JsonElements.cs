using System.Text.Json;

namespace StdioBus;

/// <summary>Parses JSON values into elements that stand on their own.</summary>
internal static class JsonElements
{
    /// <summary>How deep a value may be nested.</summary>
    public const int MaxDepth = 1000;

    /// <summary>The reader that is used where the caller gave none.</summary>
    public static readonly JsonReader Reader = static utf8 => Parse(utf8);

    // One level more than the values may have: System.Text.Json counts the level it is about to enter.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth + 1 };

    private static readonly JsonDocumentOptions KeepingOptions = new() { MaxDepth = MaxDepth + 1 };

    /// <summary>Parses one value.</summary>
    public static JsonElement Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, Options);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>
    /// Parses one value and keeps its bytes, which nobody may change: they are read once and copied not at all. For small
    /// values: beside the bytes it keeps room for as many again.
    /// </summary>
    public static JsonElement ParseAndKeep(byte[] utf8) => JsonDocument.Parse(utf8, KeepingOptions).RootElement;
}
