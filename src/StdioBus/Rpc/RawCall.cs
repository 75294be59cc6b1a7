namespace StdioBus;

/// <summary>A request for the bytes of its result.</summary>
internal sealed class RawCall : RequestCall<RawJson>
{
    private byte[] _bytes = [];

    protected override void Keep(ReadOnlySpan<byte> result) => _bytes = result.ToArray();

    protected override RawJson Read() => new(_bytes);
}
