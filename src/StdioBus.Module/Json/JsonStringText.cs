using System.Buffers;
using System.Globalization;
using System.Text;

namespace StdioBus.Module.Json;

/// <summary>
/// Decodes the inside of a JSON string. <see cref="System.Text.Json.Utf8JsonReader.GetString"/> throws on the escape of a
/// lone surrogate; workers send them (half an emoji a chunk), so this keeps each UTF-16 unit as it was written.
/// </summary>
internal static class JsonStringText
{
    /// <param name="utf8">The bytes between the quotes, of a string whose escapes are well formed.</param>
    public static string Decode(ReadOnlySpan<byte> utf8)
    {
        int escape = utf8.IndexOf((byte)'\\');
        if (escape < 0)
            return Encoding.UTF8.GetString(utf8);

        // UTF-16 never has more units than UTF-8 has bytes, and an escape is longer than what it stands for.
        char[]? rented = null;
        Span<char> text = utf8.Length <= 256 ? stackalloc char[256] : rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        int length = 0;
        while (escape >= 0)
        {
            length += Encoding.UTF8.GetChars(utf8[..escape], text[length..]);
            utf8 = utf8[(escape + 1)..];
            text[length++] = Unescape(utf8, out int consumed);
            utf8 = utf8[consumed..];
            escape = utf8.IndexOf((byte)'\\');
        }

        length += Encoding.UTF8.GetChars(utf8, text[length..]);
        string decoded = new(text[..length]);
        if (rented is not null)
            ArrayPool<char>.Shared.Return(rented);

        return decoded;
    }

    private static char Unescape(ReadOnlySpan<byte> afterBackslash, out int consumed)
    {
        consumed = 1;
        switch (afterBackslash[0])
        {
            case (byte)'n': return '\n';
            case (byte)'r': return '\r';
            case (byte)'t': return '\t';
            case (byte)'b': return '\b';
            case (byte)'f': return '\f';
            case (byte)'u':
                consumed = 5;
                return (char)ushort.Parse(
                    Encoding.ASCII.GetString(afterBackslash.Slice(1, 4)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            default: return (char)afterBackslash[0];
        }
    }
}
