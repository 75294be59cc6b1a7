using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace StdioBus.Module.Json;

/// <summary>
/// Writes JSON tokens as UTF-8 bytes. It differs from <see cref="System.Text.Json.Utf8JsonWriter"/> in what it does with a
/// lone surrogate: that one replaces it by U+FFFD, this one writes its <c>\uXXXX</c> escape, so a string comes back as it was.
/// Commas and colons are the caller's.
/// </summary>
internal sealed class JsonTextWriter : IDisposable
{
    // Rented, because a params object of many megabytes should not leave a large-object copy at every doubling.
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(512);
    private int _length;

    private static readonly SearchValues<char> NeedsEscape = SearchValues.Create(CharactersThatNeedAnEscape());

    public byte[] ToArray() => _buffer.AsSpan(0, _length).ToArray();

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _length = 0;
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Writes one ASCII character as it is: a bracket, a comma, a colon.</summary>
    public void Mark(char mark)
    {
        Reserve(1);
        _buffer[_length++] = (byte)mark;
    }

    public void Literal(ReadOnlySpan<byte> utf8)
    {
        Reserve(utf8.Length);
        utf8.CopyTo(_buffer.AsSpan(_length));
        _length += utf8.Length;
    }

    public void Integer(long value)
    {
        Reserve(20);
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_length), out int written);
        _length += written;
    }

    /// <summary>Writes text that is known to be ASCII and to need no escape, such as a formatted number.</summary>
    public void Ascii(string text)
    {
        Reserve(text.Length);
        _length += Encoding.ASCII.GetBytes(text, _buffer.AsSpan(_length));
    }

    /// <summary>Writes a string value or a member's name, quoted and escaped.</summary>
    public void String(ReadOnlySpan<char> text)
    {
        Mark('"');
        while (true)
        {
            int plain = text.IndexOfAny(NeedsEscape);
            if (plain < 0)
            {
                Utf8(text);
                break;
            }

            Utf8(text[..plain]);
            text = text[plain..];
            // A proper pair is plain text after all: it goes out as its four bytes.
            if (char.IsHighSurrogate(text[0]) && text.Length > 1 && char.IsLowSurrogate(text[1]))
            {
                Utf8(text[..2]);
                text = text[2..];
                continue;
            }

            Escape(text[0]);
            text = text[1..];
        }

        Mark('"');
    }

    private void Utf8(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return;

        Reserve(checked(text.Length * 3));
        _length += Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length));
    }

    private void Escape(char c)
    {
        switch (c)
        {
            case '"': Literal("\\\""u8); break;
            case '\\': Literal("\\\\"u8); break;
            case '\n': Literal("\\n"u8); break;
            case '\r': Literal("\\r"u8); break;
            case '\t': Literal("\\t"u8); break;
            case '\b': Literal("\\b"u8); break;
            case '\f': Literal("\\f"u8); break;
            default:
                Literal("\\u"u8);
                Reserve(4);
                Utf8Formatter.TryFormat((uint)c, _buffer.AsSpan(_length), out int written, new StandardFormat('x', 4));
                _length += written;
                break;
        }
    }

    private void Reserve(int count)
    {
        int needed = checked(_length + count);
        if (needed <= _buffer.Length)
            return;

        int size = (int)Math.Min(Math.Max((long)needed, 2L * _buffer.Length), Array.MaxLength);
        byte[] larger = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static char[] CharactersThatNeedAnEscape()
    {
        var characters = new List<char> { '"', '\\', '\u007f' };
        for (char c = '\0'; c < ' '; c++)
            characters.Add(c);

        for (int c = 0xD800; c <= 0xDFFF; c++)
            characters.Add((char)c);

        return characters.ToArray();
    }
}
