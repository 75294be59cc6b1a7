namespace StdioBus;

/// <summary>
/// A request whose caller takes its notifications as they come, then the result. The queue between is bounded by not
/// reading from the worker when it is full, by events or by bytes (see <see cref="WorkerFlow"/>), else by
/// <see cref="OverflowBytes"/>.
/// </summary>
internal sealed class StreamCall : PendingCall
{
    private readonly EventQueue<StreamEvent> _events = new();
    private readonly object _fullness = new();
    private readonly Func<long> _clock;
    private readonly long _madeAt;
    private ResultText? _text;
    private Exception? _failure;
    private long _sequence;
    private long _heldBytes;
    private volatile bool _isFull;

    public StreamCall(Func<long> clock)
    {
        _clock = clock;
        _madeAt = clock();
    }

    public required JsonReader Reader { get; init; }

    /// <summary>Events it holds before it counts as full.</summary>
    public required int Capacity { get; init; }

    /// <summary>Bytes it may hold while its worker is read; with half of them it counts as full.</summary>
    public required long OverflowBytes { get; init; }

    /// <summary>Told when the stream becomes full, or is not any more.</summary>
    public required WorkerFlow Flow { get; init; }

    /// <summary>Where its deadlines wait. It leaves them while it is full, and comes back when it is relieved.</summary>
    public required DeadlineQueue Deadlines { get; init; }

    public ProgressPump? Progress { get; init; }

    /// <summary>Whether its consumer is slow.</summary>
    public bool IsFull => _isFull;

    /// <summary>The worker its last event came from; -1 before.</summary>
    public int SourceWorker { get; private set; } = -1;

    /// <summary>
    /// Whether it holds more than it may. What comes of a worker that is not read had left it before and is within no limit.
    /// On the loop thread.
    /// </summary>
    /// <remarks>The bytes are read once more after the pause: whoever ends that has taken some before.</remarks>
    public bool HasOverflown => HeldBytes > OverflowBytes && !Flow.IsPaused(SourceWorker) && HeldBytes > OverflowBytes;

    private long HeldBytes => Interlocked.Read(ref _heldBytes);

    public override int TextBytes => _text?.Length ?? 0;

    public override Exception? Failure => _failure;

    /// <summary>Milliseconds since the request, for its events; those in which its clocks stood still count.</summary>
    public long Elapsed(long now) => now - _madeAt;

    public override void OnNotification(ref IncomingNotification notification)
    {
        StreamEventType type = notification.Type;
        string? text = null;
        if (type is StreamEventType.Chunk or StreamEventType.Thought)
        {
            ReadOnlySpan<byte> inner = notification.InnerText;
            if (inner.IsEmpty)
                return;
            text = JsonStrings.DecodeInner(inner);
            if (type == StreamEventType.Chunk)
                (_text ??= new ResultText()).Append(inner);
        }

        SourceWorker = notification.WorkerId;
        ReceivedMessage copy = notification.Copy();
        Progress?.Post(copy);
        var added = new StreamEvent(type, text, copy, Reader)
        {
            SessionId = notification.SessionId,
            Pool = notification.Pool,
            WorkerId = notification.WorkerId,
            Sequence = ++_sequence,
            Elapsed = TimeSpan.FromMilliseconds(Elapsed(_clock())),
        };
        Interlocked.Add(ref _heldBytes, added.Size);
        if ((_events.Enqueue(added) >= Capacity || HeldBytes > OverflowBytes / 2) && !_isFull)
            BecomeFull();
    }

    public override void OnResult(ReadOnlySpan<byte> result, int workerId)
    {
        _events.Enqueue(new StreamEvent(ResultText.Complete(result, _text), Reader)
        {
            SessionId = ParamsSession ?? RouteSession,
            Pool = Pool?.Id ?? "",
            WorkerId = workerId,
            Sequence = ++_sequence,
            Elapsed = TimeSpan.FromMilliseconds(Elapsed(_clock())),
        });
        Finish();
    }

    public override void OnFailure(Exception error)
    {
        _failure = error;
        Finish();
    }

    /// <summary>
    /// The next event; null after the result. Throws what ended the stream, after the events before it: a cancellation,
    /// too, which therefore never takes back a result that was there before it.
    /// </summary>
    public async ValueTask<StreamEvent?> NextAsync()
    {
        do
        {
            if (_events.TryDequeue(out StreamEvent next, out int left))
            {
                Interlocked.Add(ref _heldBytes, -next.Size);
                if (_isFull && HasRoom(left))
                    Relieve();
                return next;
            }
        }
        while (await _events.WaitAsync(CancellationToken.None).ConfigureAwait(false));
        if (_failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
        return null;
    }

    private void Finish()
    {
        _events.End();
        Relieve();
    }

    // Far enough from full that a worker is not paused and read again with each event.
    private bool HasRoom(int count) => count <= Capacity / 2 && HeldBytes <= OverflowBytes / 4;

    // The flag is set before count and bytes are read, and a reader lowers both before it reads the flag: one of the two
    // sees that there is room.
    private void BecomeFull()
    {
        lock (_fullness)
        {
            _isFull = true;
            if (HasRoom(_events.Count))
            {
                _isFull = false;
                return;
            }

            Hold(true, _clock());
            Flow.StreamFull(this);
        }
    }

    private void Relieve()
    {
        lock (_fullness)
        {
            if (!_isFull)
                return;
            _isFull = false;
            if (Hold(false, _clock()) is { } due)
                Deadlines.Add(this, due);
            Flow.StreamRelieved(this);
        }
    }
}
