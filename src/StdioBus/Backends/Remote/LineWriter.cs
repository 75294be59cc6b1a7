using System.Collections.Concurrent;
using System.Net.Sockets;

namespace StdioBus;

/// <summary>
/// Writes lines to a stream on a thread of its own, so that no sender waits for the receiver. Those that wait leave
/// together; long ones are written from where they are.
/// </summary>
internal sealed class LineWriter
{
    private const int Gathered = 64 * 1024;
    private readonly Stream _stream;
    private readonly Action _close;
    private readonly long _mostWaiting;
    private readonly Action<Exception> _failed;
    private readonly ConcurrentQueue<(OutgoingMessage Message, bool HasRoute)> _queue = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly ByteBuffer _gather = new();
    private readonly Thread _thread;
    private long _waiting;
    private int _signalled;
    private volatile bool _finish;
    private int _over;

    /// <summary>Makes one; <see cref="Start"/> lets it write.</summary>
    /// <param name="stream">Where the lines go.</param>
    /// <param name="close">Called on the thread when no more will be written.</param>
    /// <param name="mostWaiting">How many bytes may wait.</param>
    /// <param name="name">The thread's name.</param>
    /// <param name="failed">Told, on the thread, when the stream takes no more.</param>
    public LineWriter(Stream stream, Action close, long mostWaiting, string name, Action<Exception> failed)
    {
        _stream = stream;
        _close = close;
        _mostWaiting = mostWaiting;
        _failed = failed;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Waits for the thread's end; false when it did not come in time.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    /// <summary>Takes a message, or says why it does not; then the message is still the caller's.</summary>
    /// <param name="message">The message.</param>
    /// <param name="hasRoute">Whether its route is written too.</param>
    /// <param name="canWait">Whether the caller sees to <see cref="Flush"/>.</param>
    /// <param name="hasToFit">Whether it is refused when there is no room.</param>
    public StdioBusException? Add(in OutgoingMessage message, bool hasRoute, bool canWait, bool hasToFit = true)
    {
        if (_over != 0 || _finish)
            return KernelCode.OfSend(KernelCode.State, "the connection to the daemon has ended");
        long waiting = Interlocked.Add(ref _waiting, message.Length);
        if (hasToFit && waiting > _mostWaiting && waiting > message.Length)
        {
            Interlocked.Add(ref _waiting, -message.Length);
            return KernelCode.OfSend(KernelCode.Full, $"the daemon does not read, and the queue to it has no room: the limit max_output_queue is {_mostWaiting} bytes");
        }

        _queue.Enqueue((message, hasRoute));
        if (Volatile.Read(ref _over) != 0)
            RefuseRest();
        else if (!canWait)
            Wake();
        return null;
    }

    /// <summary>Lets what waits leave.</summary>
    public void Flush()
    {
        if (!_queue.IsEmpty)
            Wake();
    }

    /// <summary>Takes no more; once all is written, the output is closed.</summary>
    public void Finish()
    {
        _finish = true;
        Wake();
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
            _wake.Set();
    }

    private void Run()
    {
        Exception? failure = null;
        try
        {
            Loop();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            failure = error;
        }

        Interlocked.Exchange(ref _over, 1);
        RefuseRest();
        _gather.Release();
        try
        {
            _close();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or SocketException)
        {
            failure ??= error;
        }

        if (failure is not null)
            _failed(failure);
    }

    private void Loop()
    {
        while (true)
        {
            _wake.WaitOne();

            // Cleared before the queue is read: a message that is queued from here on wakes this again.
            Interlocked.Exchange(ref _signalled, 0);
            bool isLast = _finish;
            while (_queue.TryDequeue(out var next))
            {
                Write(next.Message, next.HasRoute);
                if (_gather.Length >= Gathered)
                    WriteGathered();
            }

            WriteGathered();
            if (isLast)
                return;
        }
    }

    private void Write(in OutgoingMessage message, bool hasRoute)
    {
        try
        {
            int start = hasRoute ? BusLine.WriteRoute(_gather, message) : 0;
            ReadOnlySpan<byte> rest = message.Buffer.AsSpan(start, message.Length - start);
            if (rest.Length >= Gathered)
            {
                WriteGathered();
                _stream.Write(rest);
            }
            else
            {
                _gather.Write(rest);
            }

            _gather.WriteByte((byte)'\n');
        }
        catch
        {
            message.Receipt?.TrySetException(Ended());
            throw;
        }
        finally
        {
            Interlocked.Add(ref _waiting, -message.Length);
            MessageArrays.Return(message.Buffer!);
        }

        message.Receipt?.TrySetResult();
    }

    private void WriteGathered()
    {
        if (_gather.Length == 0)
            return;
        _stream.Write(_gather.Written);
        _stream.Flush();
        _gather.Clear();
    }

    // Requests among them fail with the connection.
    private void RefuseRest()
    {
        while (_queue.TryDequeue(out var next))
        {
            MessageArrays.Return(next.Message.Buffer!);
            next.Message.Receipt?.TrySetException(Ended());
        }
    }

    private static StdioBusException Ended() => KernelCode.OfSend(KernelCode.State, "the connection to the daemon has ended");
}
