using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace StdioBus;

/// <summary>
/// The ids of a bus's requests: a number behind a random prefix of the bus, as several buses may share a kernel.
/// Read from bytes without making strings.
/// </summary>
internal sealed class CallIds
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private readonly byte[] _prefix = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(Alphabet, 8) + "-");
    private long _last;

    /// <summary>The next number.</summary>
    public long Next() => Interlocked.Increment(ref _last);

    /// <summary>The last number so far.</summary>
    public long Last => Interlocked.Read(ref _last);

    /// <summary>Appends the id as a JSON string.</summary>
    public void Write(ByteBuffer into, long number)
    {
        Span<byte> room = into.GetSpan(_prefix.Length + 22);
        room[0] = (byte)'"';
        _prefix.CopyTo(room[1..]);
        bool written = Utf8Formatter.TryFormat(number, room[(1 + _prefix.Length)..], out int digits);
        System.Diagnostics.Debug.Assert(written, "twenty digits fit");
        int length = 1 + _prefix.Length + digits;
        room[length] = (byte)'"';
        into.Advance(length + 1);
    }

    /// <summary>The number of an id as it stands in a message; 0 when it is not one of ours.</summary>
    public long Read(ReadOnlySpan<byte> json)
    {
        if (json.Length < 2 || json[0] != (byte)'"')
            return 0;
        ReadOnlySpan<byte> text = json[1..^1];
        if (text.Contains((byte)'\\'))
            text = Encoding.UTF8.GetBytes(JsonStrings.DecodeInner(text));
        return text.StartsWith(_prefix)
            && Utf8Parser.TryParse(text[_prefix.Length..], out long number, out int used)
            && used == text.Length - _prefix.Length
            && number > 0
                ? number
                : 0;
    }
}
