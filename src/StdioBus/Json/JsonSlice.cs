namespace StdioBus;

/// <summary>Where a value stands in a message.</summary>
internal readonly record struct JsonSlice(int Start, int Length)
{
    /// <summary>Whether there is a value: no JSON value is empty.</summary>
    public bool IsPresent => Length > 0;

    /// <summary>The index after the value.</summary>
    public int End => Start + Length;

    /// <summary>The value's text.</summary>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> json) => json.Slice(Start, Length);

    /// <summary>Whether the value is a string.</summary>
    public bool IsString(ReadOnlySpan<byte> json) => IsPresent && json[Start] == (byte)'"';

    /// <summary>Whether the value is an object.</summary>
    public bool IsObject(ReadOnlySpan<byte> json) => IsPresent && json[Start] == (byte)'{';
}
