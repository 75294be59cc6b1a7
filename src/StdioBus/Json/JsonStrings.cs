using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace StdioBus;

/// <summary>
/// JSON strings to text and back. Unlike System.Text.Json it keeps lone surrogates, both ways: half an emoji that a
/// worker sends in one chunk joins its other half in the next.
/// </summary>
internal static class JsonStrings
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>The text of a string value.</summary>
    /// <param name="quoted">The value with its quotes.</param>
    public static string Decode(ReadOnlySpan<byte> quoted) => DecodeInner(quoted[1..^1]);

    /// <summary>The text of what stands between the quotes of a string value.</summary>
    public static string DecodeInner(ReadOnlySpan<byte> inner)
    {
        int escape = inner.IndexOf((byte)'\\');
        if (escape < 0)
            return Encoding.UTF8.GetString(inner);
        var text = new StringBuilder(inner.Length);
        while (escape >= 0)
        {
            AppendUtf8(text, inner[..escape]);
            inner = inner[(escape + 1)..];
            if (inner.IsEmpty)
                return text.ToString();
            inner = inner[AppendEscape(text, inner)..];
            escape = inner.IndexOf((byte)'\\');
        }

        AppendUtf8(text, inner);
        return text.ToString();
    }

    /// <summary>Whether escaped text, without quotes, means <paramref name="plain"/>.</summary>
    public static bool EscapedEquals(ReadOnlySpan<byte> escaped, ReadOnlySpan<byte> plain) =>
        DecodeInner(escaped) == Encoding.UTF8.GetString(plain);

    /// <summary>Writes text as a string value, with its quotes.</summary>
    public static void Write(ByteBuffer into, ReadOnlySpan<char> text)
    {
        into.WriteByte((byte)'"');
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExcept(Plain);
            plain = plain < 0 ? text.Length : plain;
            if (plain > 0)
            {
                into.Advance(Encoding.ASCII.GetBytes(text[..plain], into.GetSpan(plain)));
                text = text[plain..];
                continue;
            }

            text = text[WriteSpecial(into, text)..];
        }

        into.WriteByte((byte)'"');
    }

    /// <summary>Writes an integer.</summary>
    public static void WriteNumber(ByteBuffer into, long value)
    {
        bool written = Utf8Formatter.TryFormat(value, into.GetSpan(20), out int length);
        System.Diagnostics.Debug.Assert(written, "twenty digits fit");
        into.Advance(length);
    }

    private static int WriteSpecial(ByteBuffer into, ReadOnlySpan<char> text)
    {
        char c = text[0];
        switch (c)
        {
            case '"' or '\\':
                into.WriteByte((byte)'\\');
                into.WriteByte((byte)c);
                return 1;
            case '\n':
                into.Write("\\n"u8);
                return 1;
            case '\r':
                into.Write("\\r"u8);
                return 1;
            case '\t':
                into.Write("\\t"u8);
                return 1;
        }

        if (c >= 0x7f && Rune.DecodeFromUtf16(text, out Rune rune, out int used) == OperationStatus.Done)
        {
            into.Advance(rune.EncodeToUtf8(into.GetSpan(4)));
            return used;
        }

        into.Write("\\u"u8);
        bool written = Utf8Formatter.TryFormat((uint)c, into.GetSpan(4), out int length, new StandardFormat('x', 4));
        System.Diagnostics.Debug.Assert(written, "four digits fit");
        into.Advance(length);
        return 1;
    }

    private static void AppendUtf8(StringBuilder text, ReadOnlySpan<byte> utf8)
    {
        if (!utf8.IsEmpty)
            text.Append(Encoding.UTF8.GetString(utf8));
    }

    // Appends what the escape means whose letter comes first; returns how many bytes it took.
    private static int AppendEscape(StringBuilder text, ReadOnlySpan<byte> letter)
    {
        switch (letter[0])
        {
            case (byte)'u' when letter.Length >= 5
                && ushort.TryParse(letter.Slice(1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit):
                text.Append((char)unit);
                return 5;
            case (byte)'n':
                text.Append('\n');
                return 1;
            case (byte)'r':
                text.Append('\r');
                return 1;
            case (byte)'t':
                text.Append('\t');
                return 1;
            case (byte)'b':
                text.Append('\b');
                return 1;
            case (byte)'f':
                text.Append('\f');
                return 1;
            default:
                text.Append((char)letter[0]);
                return 1;
        }
    }
}
