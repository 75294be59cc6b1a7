namespace StdioBus;

/// <summary>Walks over the members of one object, top level only.</summary>
/// <param name="json">The text in which the object stands.</param>
/// <param name="place">The object.</param>
internal ref struct JsonMembers(ReadOnlySpan<byte> json, JsonSlice place)
{
    private readonly ReadOnlySpan<byte> _json = json;
    private readonly int _end = place.End;
    private int _at = place.Start + 1;
    private ReadOnlySpan<byte> _name;

    /// <summary>Where the member's value stands.</summary>
    public JsonSlice Value { get; private set; }

    /// <summary>The next member; false after the last.</summary>
    public bool MoveNext()
    {
        int at = JsonScan.SkipSpace(_json, _at);
        if (at < _end && _json[at] == (byte)',')
            at = JsonScan.SkipSpace(_json, at + 1);
        if (at >= _end || _json[at] != (byte)'"')
            return false;
        int nameEnd = JsonScan.SkipValue(_json, at);
        if (nameEnd < 0)
            return false;
        _name = _json[(at + 1)..(nameEnd - 1)];
        int start = JsonScan.SkipSpace(_json, JsonScan.SkipSpace(_json, nameEnd) + 1);
        int end = JsonScan.SkipValue(_json, start);
        if (end < 0)
            return false;
        Value = new JsonSlice(start, end - start);
        _at = end;
        return true;
    }

    /// <summary>Whether the member has this name; escapes in it are decoded.</summary>
    public readonly bool NameIs(ReadOnlySpan<byte> name) =>
        _name.SequenceEqual(name) || (_name.Contains((byte)'\\') && JsonStrings.EscapedEquals(_name, name));
}
