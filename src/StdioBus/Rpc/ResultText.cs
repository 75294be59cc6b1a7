namespace StdioBus;

/// <summary>
/// Collects the text of chunks as it stands between the quotes of their JSON strings, so that it is joined and put
/// into the result without being decoded, and halves of a character join.
/// </summary>
internal sealed class ResultText
{
    private byte[] _inner = [];

    /// <summary>How many bytes it has.</summary>
    public int Length { get; private set; }

    /// <summary>Appends a chunk.</summary>
    public void Append(ReadOnlySpan<byte> inner)
    {
        if (_inner.Length - Length < inner.Length)
            Array.Resize(ref _inner, Math.Max(Length + inner.Length, (int)Math.Min(Math.Max(256, 2L * _inner.Length), Array.MaxLength)));
        inner.CopyTo(_inner.AsSpan(Length));
        Length += inner.Length;
    }

    /// <summary>
    /// A result as the caller gets it: when there were chunks and it is an object, its <c>text</c> is all of theirs,
    /// in the place of an existing one or last. Else it stays as it is.
    /// </summary>
    public static byte[] Complete(ReadOnlySpan<byte> result, ResultText? text)
    {
        if (text is null || text.Length == 0 || result.IsEmpty || result[0] != (byte)'{')
            return result.ToArray();
        ReadOnlySpan<byte> inner = text._inner.AsSpan(0, text.Length);
        JsonSlice existing = default;
        bool hasMembers = false;
        var members = new JsonMembers(result, 0);
        while (members.MoveNext())
        {
            hasMembers = true;
            if (members.NameIs("text"u8))
                existing = members.Value;
        }

        if (existing.IsPresent)
            return [.. result[..existing.Start], (byte)'"', .. inner, (byte)'"', .. result[existing.End..]];
        int end = result.LastIndexOf((byte)'}');
        return [.. result[..end], .. hasMembers ? ",\"text\":\""u8 : "\"text\":\""u8, .. inner, (byte)'"', .. result[end..]];
    }
}
