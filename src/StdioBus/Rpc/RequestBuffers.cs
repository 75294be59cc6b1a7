namespace StdioBus;

/// <summary>The buffers in which a thread writes a request, kept for its next one.</summary>
internal sealed class RequestBuffers
{
    // A buffer that a rare large message made larger than this goes back to the pool.
    private const int KeepBytes = 64 * 1024;

    [ThreadStatic]
    private static RequestBuffers? t_free;

    /// <summary>The parameters alone.</summary>
    public ByteBuffer Params { get; } = new();

    /// <summary>The whole message.</summary>
    public ByteBuffer Message { get; } = new();

    /// <summary>Takes a pair; what turns parameters into JSON may send requests itself, so it is not there twice.</summary>
    public static RequestBuffers Take()
    {
        RequestBuffers buffers = t_free ?? new RequestBuffers();
        t_free = null;
        return buffers;
    }

    /// <summary>Gives it back.</summary>
    public void Return()
    {
        if (Params.Length > KeepBytes)
            Params.Release();
        Params.Clear();
        Message.Release();
        t_free = this;
    }
}
