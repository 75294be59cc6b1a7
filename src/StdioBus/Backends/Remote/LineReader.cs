namespace StdioBus;

/// <summary>
/// Cuts a stream into lines. A line is read into one buffer that grows with it and shrinks after it, and is handed out
/// in place; the work is linear in the bytes, whatever the lengths of the lines.
/// </summary>
/// <param name="stream">Where the bytes come from.</param>
/// <param name="longest">How many bytes a line may have, without its newline.</param>
internal sealed class LineReader(Stream stream, int longest)
{
    private const int UsualSize = 64 * 1024;
    private byte[] _buffer = new byte[UsualSize];
    private int _start;
    private int _looked;
    private int _end;

    /// <summary>
    /// The next line that is there already, without its newline; blank ones are passed over. Valid, and the caller's to
    /// change, until the next call.
    /// </summary>
    public bool TryTake(out Span<byte> line)
    {
        while (true)
        {
            int step = _buffer.AsSpan(_looked, _end - _looked).IndexOf((byte)'\n');
            if (step < 0)
            {
                _looked = _end;
                line = default;
                return false;
            }

            line = _buffer.AsSpan(_start, _looked + step - _start);
            _start = _looked += step + 1;
            if (!line.IsEmpty)
                return true;
        }
    }

    /// <summary>Waits for more bytes; false at the end of the stream.</summary>
    /// <exception cref="BusResourceException">A line is longer than it may be.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public bool Read()
    {
        MakeRoom();
        int count = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += count;
        return count > 0;
    }

    private void MakeRoom()
    {
        int kept = _end - _start;
        if (kept > longest)
            throw new BusResourceException($"The daemon sent a line of more than {longest} bytes, the longest that can be: the limit max_input_buffer, and what the daemon adds.");
        if (kept == 0 && _buffer.Length > UsualSize)
            _buffer = new byte[UsualSize];
        else if (kept == _buffer.Length)
            Array.Resize(ref _buffer, (int)Math.Min(2L * kept, Math.Max(longest + 1L, kept + 1L)));
        else if (_start > 0)
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, kept);
        else
            return;
        _looked -= _start;
        _end -= _start;
        _start = 0;
    }
}
