namespace StdioBus;

/// <summary>
/// Walks over the members of one object. A value is passed over when it is asked for or when the walk goes on, and not
/// at all when its own members are walked over instead: so each byte of a message is looked at once.
/// </summary>
/// <param name="json">The text in which the object stands.</param>
/// <param name="start">Where it begins.</param>
internal ref struct JsonMembers(ReadOnlySpan<byte> json, int start)
{
    private readonly ReadOnlySpan<byte> _json = json;
    private ReadOnlySpan<byte> _name;
    private bool _isEscaped;
    private bool _isBeforeValue;
    private int _at = start + 1;
    private int _start;
    private int _end;

    /// <summary>Where the member's value stands; not present when it does not end.</summary>
    public JsonSlice Value
    {
        get
        {
            if (_isBeforeValue)
                GoOnAt(JsonScan.SkipValue(_json, _start));
            return new JsonSlice(_start, _end - _start);
        }
    }

    /// <summary>Whether the member's value is an object.</summary>
    public readonly bool IsObject => _json[_start] == (byte)'{';

    /// <summary>The index after the object, once there is no next member; -1 when it does not end.</summary>
    private readonly int EndOfObject => (uint)_at < (uint)_json.Length && _json[_at] == (byte)'}' ? _at + 1 : -1;

    /// <summary>The next member; false after the last.</summary>
    public bool MoveNext()
    {
        if (_isBeforeValue)
            GoOnAt(JsonScan.SkipValue(_json, _start));
        _at = JsonScan.SkipSpace(_json, _at);
        if (_at < _json.Length && _json[_at] == (byte)',')
            _at = JsonScan.SkipSpace(_json, _at + 1);
        if (_at >= _json.Length || _json[_at] != (byte)'"')
            return false;
        int nameEnd = JsonScan.SkipString(_json, _at, out _isEscaped);
        if (nameEnd < 0)
            return false;
        _name = _json[(_at + 1)..(nameEnd - 1)];
        _start = JsonScan.SkipSpace(_json, JsonScan.SkipSpace(_json, nameEnd) + 1);
        _isBeforeValue = _start < _json.Length;
        return _isBeforeValue;
    }

    /// <summary>Whether the member has this name; escapes in it are decoded.</summary>
    public readonly bool NameIs(ReadOnlySpan<byte> name) =>
        _name.SequenceEqual(name) || (_isEscaped && JsonStrings.EscapedEquals(_name, name));

    /// <summary>The members of the value, which is an object; to be walked over to the last, and then given to <see cref="Leave"/>.</summary>
    public readonly JsonMembers Enter() => new(_json, _start);

    /// <summary>Goes on after the value, whose members were walked over.</summary>
    public void Leave(in JsonMembers members) => GoOnAt(members.EndOfObject);

    private void GoOnAt(int end)
    {
        _isBeforeValue = false;
        _end = end < 0 ? _start : end;
        _at = end < 0 ? _json.Length : end;
    }
}
