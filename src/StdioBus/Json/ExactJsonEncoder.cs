using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;

namespace StdioBus;

/// <summary>
/// Escapes what JSON wants escaped and nothing else. Unlike the encoders of the runtime it keeps lone surrogates, as
/// escapes, where those put U+FFFD in their place; and emoji stay as they are.
/// </summary>
internal sealed class ExactJsonEncoder : JavaScriptEncoder
{
    private static readonly SearchValues<char> Special = SearchValues.Create(
        string.Concat(Enumerable.Range(0, 0x80).Where(NeedsEscape).Concat(Enumerable.Range(0xD800, 0x800)).Select(c => (char)c)));

    private static readonly SearchValues<byte> SpecialUtf8 = SearchValues.Create(
        [.. Enumerable.Range(0, 256).Where(c => c >= 0x80 || NeedsEscape(c)).Select(c => (byte)c)]);

    private ExactJsonEncoder()
    {
    }

    /// <summary>The only one.</summary>
    public static ExactJsonEncoder Instance { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => NeedsEscape(unicodeScalar);

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength) =>
        new ReadOnlySpan<char>(text, textLength).IndexOfAny(Special);

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        int first = utf8Text.IndexOfAny(SpecialUtf8);
        if (first < 0 || utf8Text[first] < 0x80)
            return first;
        int further = base.FindFirstCharacterToEncodeUtf8(utf8Text[first..]);
        return further < 0 ? -1 : first + further;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten) =>
        TryEscape((char)unicodeScalar, new Span<char>(buffer, bufferLength), out numberOfCharactersWritten);

    public override OperationStatus Encode(ReadOnlySpan<char> source, Span<char> destination, out int charsConsumed, out int charsWritten, bool isFinalBlock = true)
    {
        charsConsumed = charsWritten = 0;
        while (charsConsumed < source.Length)
        {
            ReadOnlySpan<char> rest = source[charsConsumed..];
            int plain = rest.IndexOfAny(Special);
            if (plain == 0)
                plain = char.IsHighSurrogate(rest[0]) && rest.Length > 1 && char.IsLowSurrogate(rest[1]) ? 2 : 0;
            else if (plain < 0)
                plain = rest.Length;
            if (plain > 0)
            {
                if (!rest[..plain].TryCopyTo(destination[charsWritten..]))
                    return OperationStatus.DestinationTooSmall;
                charsConsumed += plain;
                charsWritten += plain;
                continue;
            }

            if (!isFinalBlock && rest.Length == 1 && char.IsHighSurrogate(rest[0]))
                return OperationStatus.NeedMoreData;
            if (!TryEscape(rest[0], destination[charsWritten..], out int written))
                return OperationStatus.DestinationTooSmall;
            charsConsumed++;
            charsWritten += written;
        }

        return OperationStatus.Done;
    }

    private static bool NeedsEscape(int c) => c is < 0x20 or '"' or '\\' or 0x7f;

    private static bool TryEscape(char c, Span<char> into, out int written)
    {
        char letter = c switch { '"' => '"', '\\' => '\\', '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', '\f' => 'f', _ => '\0' };
        if (letter == '\0')
            return into.TryWrite(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}", out written);
        written = 2;
        if (into.Length < 2)
            return false;
        (into[0], into[1]) = ('\\', letter);
        return true;
    }
}
