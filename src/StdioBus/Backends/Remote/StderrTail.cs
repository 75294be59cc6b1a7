using System.Text;

namespace StdioBus;

/// <summary>
/// The last lines of a stream of bytes that may hold anything. What is not UTF-8 is replaced, the end of a long line
/// is left out. May be used from any thread.
/// </summary>
/// <param name="capacity">How many lines are kept; 0 for none.</param>
internal sealed class StderrTail(int capacity)
{
    /// <summary>How many bytes of a line are kept.</summary>
    public const int MostBytes = 8 * 1024;

    private readonly Queue<string> _lines = new();
    private readonly ByteBuffer _line = new();
    private bool _hasLine;

    /// <summary>Appends bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_lines)
        {
            while (!bytes.IsEmpty)
            {
                int end = bytes.IndexOf((byte)'\n');
                ReadOnlySpan<byte> part = end < 0 ? bytes : bytes[..end];
                _line.Write(part[..Math.Min(part.Length, MostBytes - _line.Length)]);
                _hasLine = true;
                if (end < 0)
                    return;
                EndLine();
                bytes = bytes[(end + 1)..];
            }
        }
    }

    /// <summary>A last line without newline counts.</summary>
    public void End()
    {
        lock (_lines)
        {
            if (_hasLine)
                EndLine();
            _line.Release();
        }
    }

    /// <summary>The last lines, oldest first.</summary>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<string> Read(int count)
    {
        lock (_lines)
            return [.. _lines.Skip(Math.Max(0, _lines.Count - Math.Max(0, count)))];
    }

    private void EndLine()
    {
        _lines.Enqueue(Encoding.UTF8.GetString(_line.Written).TrimEnd('\r'));
        if (_lines.Count > capacity)
            _lines.Dequeue();
        _line.Clear();
        _hasLine = false;
    }
}
