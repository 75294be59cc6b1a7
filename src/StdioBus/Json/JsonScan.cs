using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace StdioBus;

/// <summary>
/// Finds where JSON values end, without building anything. It trusts its input to be valid JSON: the kernel checks
/// every message. On anything else it stays inside the bytes and returns -1.
/// </summary>
internal static class JsonScan
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> ScalarEnd = SearchValues.Create(",}] \t\r\n"u8);

    /// <summary>The first index at or after <paramref name="at"/> that is not whitespace; the length at the end.</summary>
    public static int SkipSpace(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length && json[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
            at++;
        return at;
    }

    /// <summary>The index after the value that begins at <paramref name="at"/>; -1 when it does not end.</summary>
    public static int SkipValue(ReadOnlySpan<byte> json, int at)
    {
        if ((uint)at >= (uint)json.Length)
            return -1;
        switch (json[at])
        {
            case (byte)'"':
                return SkipString(json, at, out _);
            case (byte)'{':
            case (byte)'[':
                return SkipContainer(json, at);
            default:
                int length = json[at..].IndexOfAny(ScalarEnd);
                return length == 0 ? -1 : length < 0 ? json.Length : at + length;
        }
    }

    /// <summary>The index after the string that begins at <paramref name="at"/>; -1 when it does not end.</summary>
    public static int SkipString(ReadOnlySpan<byte> json, int at, out bool isEscaped)
    {
        isEscaped = false;
        at++;
        while (true)
        {
            int step = json[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (step < 0)
                return -1;
            at += step;
            if (json[at] == (byte)'"')
                return at + 1;
            isEscaped = true;
            at += 2;
            if (at > json.Length)
                return -1;
        }
    }

    /// <summary>Whether the bytes are one object or array, with nothing but whitespace around it.</summary>
    public static bool IsOneContainer(ReadOnlySpan<byte> json)
    {
        int at = SkipSpace(json, 0);
        if (at >= json.Length || json[at] is not ((byte)'{' or (byte)'['))
            return false;
        int end = SkipContainer(json, at);
        return end >= 0 && SkipSpace(json, end) == json.Length;
    }

    /// <summary>Whether the bytes are one valid JSON value with nothing but whitespace around it. Unlike the rest here it trusts nothing.</summary>
    public static bool IsOneValue(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
            return false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = JsonElements.MaxDepth });
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static int SkipContainer(ReadOnlySpan<byte> json, int at)
    {
        int depth = 0;
        while (true)
        {
            int step = json[at..].IndexOfAny(Structure);
            if (step < 0)
                return -1;
            at += step;
            switch (json[at])
            {
                case (byte)'"':
                    at = SkipString(json, at, out _);
                    if (at < 0)
                        return -1;
                    continue;
                case (byte)'{':
                case (byte)'[':
                    depth++;
                    break;
                default:
                    depth--;
                    if (depth == 0)
                        return at + 1;
                    break;
            }

            at++;
        }
    }
}
