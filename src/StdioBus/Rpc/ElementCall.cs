using System.Text.Json;

namespace StdioBus;

/// <summary>A request for a <see cref="JsonElement"/>, which has a copy of its own: the bytes wait for it in a pooled array.</summary>
internal sealed class ElementCall : RequestCall<JsonElement>
{
    private byte[] _bytes = [];
    private int _length;

    protected override void Keep(ReadOnlySpan<byte> result)
    {
        _bytes = MessageArrays.Rent(result.Length);
        _length = result.Length;
        result.CopyTo(_bytes);
    }

    protected override JsonElement Read()
    {
        try
        {
            return JsonElements.Parse(_bytes.AsSpan(0, _length));
        }
        finally
        {
            MessageArrays.Return(_bytes);
            _bytes = [];
        }
    }
}
