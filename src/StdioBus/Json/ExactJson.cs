using System.Text.Json;

namespace StdioBus;

/// <summary>
/// How .NET values become JSON and come back where the caller does not say: names as they stand in the code, up to 1,000
/// levels, integers of any size, lone surrogates kept.
/// </summary>
internal static class ExactJson
{
    // The serializer counts what is inside of the innermost level too, and knows a cycle by it.
    private const int WithinInnermost = JsonElements.MaxDepth + 1;

    public static readonly JsonSerializerOptions Options = new()
    {
        Encoder = ExactJsonEncoder.Instance,
        MaxDepth = WithinInnermost,
        Converters = { new BigIntegerConverter(), new ExactStringConverter() },
    };

    /// <summary>What values are written with; whoever writes has other options for names and converters only.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = ExactJsonEncoder.Instance,
        MaxDepth = WithinInnermost,
        SkipValidation = true,
    };

    /// <summary>Makes a value of a type from JSON.</summary>
    /// <exception cref="JsonException">The JSON is not of that form.</exception>
    public static T? Read<T>(ReadOnlySpan<byte> utf8, JsonSerializerOptions? options)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(utf8, options ?? Options);
        }
        catch (InvalidOperationException error)
        {
            // The runtime cannot compare a member's name that has a lone surrogate.
            throw new JsonException($"The JSON cannot become a '{typeof(T)}': {error.Message}", error);
        }
    }
}
