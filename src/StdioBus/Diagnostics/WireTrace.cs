using System.Buffers;
using System.Globalization;

namespace StdioBus;

/// <summary>
/// Writes the messages of a bus to a file, a JSON object a line. Whoever adds a line only copies it into a bounded
/// queue; a thread of its own redacts and writes. What finds the queue full is dropped and counted.
/// </summary>
internal sealed class WireTrace(string path, TraceRedaction redaction, BusCounters counters, BusLog log)
{
    /// <summary>Lines and bytes that may wait to be written. One line may be larger, if it is alone.</summary>
    public const int MaxLines = 16 * 1024;

    /// <inheritdoc cref="MaxLines"/>
    public const int MaxBytes = 16 * 1024 * 1024;

    private const int WriteBytes = 64 * 1024;
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);
    private static readonly HashSet<string> PathsInUse = new(StringComparer.Ordinal);

    private readonly object _gate = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Line> _waiting = [];
    private long _waitingBytes;
    private long _droppedSince;
    private bool _isOpen;
    private bool _isClosing;

    // Of the writer's thread.
    private FileStream? _file;
    private bool _isBroken;

    /// <summary>Opens the file, at its end; makes it, for its owner alone, where there is none.</summary>
    /// <exception cref="BusInvalidArgumentException">It cannot be opened, or another bus of this process writes to it.</exception>
    public void Open(string threadName)
    {
        lock (PathsInUse)
            if (!PathsInUse.Add(path))
                throw new BusInvalidArgumentException($"{nameof(BusOptions.TracePath)}: another bus of this process writes to '{path}'; each needs a file of its own.");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            _file = new FileStream(path, options);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            GiveBackPath();
            throw new BusInvalidArgumentException($"{nameof(BusOptions.TracePath)}: '{path}' cannot be opened for writing: {error.Message}", error);
        }

        lock (_gate)
            _isOpen = true;
        new Thread(Run) { IsBackground = true, Name = threadName }.Start();
    }

    /// <summary>Takes a line; from any thread, at once.</summary>
    public void Add(in TraceLine line, ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            if (!_isOpen || _isClosing)
                return;
            if (_waiting.Count >= MaxLines || (_waitingBytes + message.Length > MaxBytes && _waiting.Count > 0))
            {
                _droppedSince++;
                Interlocked.Increment(ref counters.DroppedTraceLines);
                return;
            }

            byte[] copy = ArrayPool<byte>.Shared.Rent(message.Length);
            message.CopyTo(copy);
            _waiting.Add(new Line(DateTime.UtcNow, line, copy, message.Length));
            _waitingBytes += message.Length;
            if (_waiting.Count == 1)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Takes no more, and ends when all that was taken is written; or after some seconds, when the file does not take it.</summary>
    public async Task CloseAsync()
    {
        BeginClose();
        await Task.WhenAny(_closed.Task, Task.Delay(ClosePatience)).ConfigureAwait(false);
    }

    /// <summary>Takes no more.</summary>
    public void BeginClose()
    {
        lock (_gate)
        {
            _isClosing = true;
            if (!_isOpen)
                _closed.TrySetResult();
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        var text = new ByteBuffer();
        while (TakeAll() is { } lines)
        {
            foreach (Line line in lines)
            {
                Format(text, line);
                ArrayPool<byte>.Shared.Return(line.Message);
                if (text.Length >= WriteBytes)
                    Write(text);
            }

            Write(text);
            text.Release();
        }

        _file!.Dispose();
        GiveBackPath();
        _closed.TrySetResult();
    }

    // All that waits; null when it is closed and nothing waits.
    private List<Line>? TakeAll()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_isClosing)
                    return null;
                Monitor.Wait(_gate);
            }

            List<Line> taken = _waiting;
            _waiting = [];
            _waitingBytes = 0;
            if (_droppedSince > 0)
                taken.Add(new Line(DateTime.UtcNow, new TraceLine { Dropped = _droppedSince }, [], 0));
            _droppedSince = 0;
            return taken;
        }
    }

    private void Format(ByteBuffer text, in Line line)
    {
        text.Write("{\"time\":"u8);
        JsonStrings.Write(text, line.Time.ToString("O", CultureInfo.InvariantCulture));
        line.About.Write(text);
        if (line.About.Dropped == 0)
        {
            int before = text.Length;
            text.Write(",\"message\":"u8);

            // Nothing but JSON can be redacted, so nothing else is shown. The kernel refuses it.
            if (!redaction.Write(text, line.Message.AsSpan(0, line.Length)))
            {
                text.Truncate(before);
                text.Write(",\"invalidBytes\":"u8);
                JsonStrings.WriteNumber(text, line.Length);
            }
        }

        text.Write("}\n"u8);
    }

    // A file that takes no more (a full disk) is tried again with the next lines; it is said once.
    private void Write(ByteBuffer text)
    {
        if (text.Length == 0)
            return;
        try
        {
            if (_isBroken)
                _file!.Write("\n"u8);
            _file!.Write(text.Written);
            _isBroken = false;
        }
        catch (IOException error)
        {
            if (!_isBroken)
                log.Add(BusLogLevel.Error, null, $"The trace '{path}' cannot be written, lines are dropped: {error.Message}");
            _isBroken = true;
            Interlocked.Add(ref counters.DroppedTraceLines, text.Written.Count((byte)'\n'));
        }

        text.Clear();
    }

    private void GiveBackPath()
    {
        lock (PathsInUse)
            PathsInUse.Remove(path);
    }

    private readonly record struct Line(DateTime Time, TraceLine About, byte[] Message, int Length);
}
