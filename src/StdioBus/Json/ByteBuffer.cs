using System.Buffers;

namespace StdioBus;

/// <summary>A growing array from a pool, to write a message into.</summary>
internal sealed class ByteBuffer : IBufferWriter<byte>
{
    private const int FirstSize = 512;
    private byte[] _array = [];

    /// <summary>How many bytes were written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public Span<byte> Written => _array.AsSpan(0, Length);

    /// <summary>Forgets what was written and keeps the array.</summary>
    public void Clear() => Length = 0;

    /// <summary>Forgets what was written after the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length) => Length = Math.Min(length, Length);

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _array.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _array.AsSpan(Length);
    }

    /// <summary>Appends bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Appends one byte.</summary>
    public void WriteByte(byte value)
    {
        GetSpan(1)[0] = value;
        Length++;
    }

    /// <summary>Hands over the array, to be given back to <see cref="MessageArrays"/> by whoever takes it; this buffer is empty then.</summary>
    public byte[] Detach()
    {
        byte[] array = _array;
        _array = [];
        Length = 0;
        return array;
    }

    /// <summary>Gives the array back to the pool.</summary>
    public void Release()
    {
        byte[] array = Detach();
        if (array.Length > 0)
            MessageArrays.Return(array);
    }

    private void EnsureRoom(int count)
    {
        int needed = checked(Length + Math.Max(count, 1));
        if (needed <= _array.Length)
            return;
        byte[] larger = MessageArrays.Rent(Math.Max(needed, Math.Max(FirstSize, (int)Math.Min(2L * _array.Length, Array.MaxLength))));
        Written.CopyTo(larger);
        if (_array.Length > 0)
            MessageArrays.Return(_array);
        _array = larger;
    }
}
