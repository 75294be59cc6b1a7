using System.Text.Json;

namespace StdioBus;

/// <summary>
/// A request for a <see cref="JsonElement"/>. It is parsed where its caller goes on; until then its bytes wait, those of a
/// large one in a pooled array, as its element has a copy of its own.
/// </summary>
internal sealed class ElementCall : RequestCall<JsonElement>
{
    private const int LargestToKeep = 1024;

    // One field for both: it makes each request smaller.
    private object? _bytesOrBuffer;

    protected override void Keep(ReadOnlySpan<byte> result)
    {
        if (result.Length <= LargestToKeep)
        {
            _bytesOrBuffer = result.ToArray();
            return;
        }

        var buffer = new ByteBuffer();
        buffer.Write(result);
        _bytesOrBuffer = buffer;
    }

    protected override JsonElement Read()
    {
        if (_bytesOrBuffer is byte[] bytes)
            return JsonElements.ParseAndKeep(bytes);
        var buffer = (ByteBuffer)_bytesOrBuffer!;
        try
        {
            return JsonElements.Parse(buffer.Written);
        }
        finally
        {
            buffer.Release();
        }
    }
}
