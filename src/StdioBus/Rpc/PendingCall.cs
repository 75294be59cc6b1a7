namespace StdioBus;

/// <summary>
/// A request that waits for its answer. Whoever takes it out of the <see cref="CallTable"/> ends it, exactly once;
/// what arrives for it later finds nobody. Its own lock guards its clocks: nobody outside of it has the object.
/// </summary>
internal abstract class PendingCall : Deadline
{
    private const int HandedOver = 1;
    private const int GivenUp = 2;
    private long _totalLimit = -1;
    private long _idleLimit = -1;
    private long _startedAt;
    private long _heardAt;
    private long _heldSince = -1;
    private string? _lastHeard;

    // A PoolInfo or a name: one field for both makes each request smaller.
    private object? _poolOrName;
    private int _handover;

    // No wider than they are: so many bytes are left beside the fields of Deadline.
    private ushort _questions;
    private Traits _traits;

    /// <summary>Its number, which is in its id and is its cookie.</summary>
    public long Id { get; set; }

    /// <summary>The method; set before the call enters the table, like all that it is asked with.</summary>
    public string Method { get; set; } = "";

    /// <summary>Its pool; null when this side does not know it.</summary>
    public PoolInfo? Pool => _poolOrName as PoolInfo;

    /// <summary>The name of its pool, also of one that this side does not know; null for none.</summary>
    public string? PoolName => Pool?.Id ?? _poolOrName as string;

    /// <summary>The session it is routed by.</summary>
    public string? RouteSession { get; set; }

    /// <summary>The session in its params.</summary>
    public string? ParamsSession { get; set; }

    /// <summary>A progress token that the caller put in, as JSON text.</summary>
    public string? CallerToken { get; set; }

    /// <summary>Whether it has a session or token of its own, so that a notification without any key is not for it if others wait too.</summary>
    public bool HasOwnKey
    {
        get => (_traits & Traits.OwnKey) != 0;
        set => Set(Traits.OwnKey, value);
    }

    /// <summary>See <see cref="RequestOptions.GoesOnAtOnce"/>; so does one that is driven.</summary>
    public bool GoesOnAtOnce
    {
        get => (_traits & (Traits.GoesOnAtOnce | Traits.Driven)) != 0;
        set => Set(Traits.GoesOnAtOnce, value);
    }

    /// <summary>See <see cref="RequestOptions.IsDriven"/>.</summary>
    public bool IsDriven
    {
        get => (_traits & Traits.Driven) != 0;
        set => Set(Traits.Driven, value);
    }

    /// <summary>The total deadline, counted in whole milliseconds; null for none.</summary>
    public TimeSpan? Timeout
    {
        get => Time(_totalLimit);
        set => _totalLimit = Milliseconds(value);
    }

    /// <summary>The idle deadline, counted in whole milliseconds; null for none.</summary>
    public TimeSpan? IdleTimeout
    {
        get => Time(_idleLimit);
        set => _idleLimit = Milliseconds(value);
    }

    /// <summary>When it was sent, in ticks of <see cref="System.Diagnostics.Stopwatch"/>; 0 before.</summary>
    public long SentAt { get; set; }

    /// <summary>Where the time until its answer is counted.</summary>
    public LatencyHistogram? Latency { get; set; }

    /// <summary>Its span, for those who listen; null when nobody does.</summary>
    public System.Diagnostics.Activity? Span { get; set; }

    /// <summary>What ended it; null before, and when it was a result.</summary>
    public abstract Exception? Failure { get; }

    public bool IsStream => this is StreamCall;

    /// <summary>Bytes of text that it has collected for its result; for the loop thread.</summary>
    public abstract int TextBytes { get; }

    /// <summary>Whether anything was heard of it.</summary>
    public bool HasSpoken => Volatile.Read(ref _lastHeard) is not null;

    /// <summary>The worker that has it; -1 when that is not known. The table's alone.</summary>
    public int Worker { get; set; } = -1;

    /// <summary>Whether the kernel has it. The table's alone.</summary>
    public bool IsSent
    {
        get => (_traits & Traits.Sent) != 0;
        set => Set(Traits.Sent, value);
    }

    /// <summary>The list it is in. The table's alone.</summary>
    internal CallList? List { get; set; }

    internal PendingCall? Next { get; set; }

    internal PendingCall? Previous { get; set; }

    /// <summary>
    /// Its message is with the backend now. False when it was given up before: then this thread is the one to tell the
    /// backend, as a message that comes after the word that it is given up would wait for ever.
    /// </summary>
    public bool HandOver() => Interlocked.CompareExchange(ref _handover, HandedOver, 0) == 0;

    /// <summary>It is given up. False when its message is on the way still: <see cref="HandOver"/> will see it.</summary>
    public bool Abandon() => Interlocked.CompareExchange(ref _handover, GivenUp, 0) == HandedOver;

    /// <summary>Says where it goes, before it enters the table.</summary>
    /// <param name="pool">The pool; null when this side does not know it.</param>
    /// <param name="name">The pool that its caller named; null for none.</param>
    public void SetPool(PoolInfo? pool, string? name) => _poolOrName = pool ?? (object?)name;

    /// <summary>A notification that belongs to it; on the loop thread.</summary>
    public abstract void OnNotification(ref IncomingNotification notification);

    /// <summary>Its result, when it was taken out of the table for that.</summary>
    public abstract void OnResult(ReadOnlySpan<byte> result, int workerId);

    /// <summary>Its error, when it was taken out of the table for that.</summary>
    public abstract void OnFailure(Exception error);

    /// <summary>Starts its clocks, before anybody else has it.</summary>
    /// <returns>When it must first be looked at; null for never.</returns>
    public long? Start(long now)
    {
        _startedAt = _heardAt = now;
        return NextDue(now);
    }

    /// <summary>Notes that something arrived for it.</summary>
    public void Heard(string what, long now)
    {
        lock (this)
        {
            _heardAt = now;
            _lastHeard = what;
        }
    }

    /// <summary>
    /// Its worker asks something: a sign of life, and until <see cref="Answered"/> it is not the worker that is silent, so
    /// its idle clock stands still.
    /// </summary>
    public void Asked(string what, long now)
    {
        lock (this)
        {
            Heard(what, now);
            _questions++;
        }
    }

    /// <summary>The worker has its answer, or needs none any more.</summary>
    public void Answered(long now)
    {
        lock (this)
        {
            _heardAt = now;
            _questions--;
        }
    }

    /// <summary>Stops its clocks while its consumer is slow, and starts them again.</summary>
    /// <returns>When it must next be looked at; null for never, which while it is held is always so.</returns>
    public long? Hold(bool hold, long now)
    {
        lock (this)
        {
            if (hold)
            {
                if (_heldSince < 0)
                    _heldSince = now;
            }
            else if (_heldSince >= 0)
            {
                _startedAt += now - _heldSince;
                _heardAt += now - Math.Max(_heldSince, _heardAt);
                _heldSince = -1;
            }

            return NextDue(now);
        }
    }

    /// <summary>
    /// The timeout when a deadline has passed; else null and, in <paramref name="next"/>, when to look again, null for never.
    /// </summary>
    public StdioBusException? Overdue(long now, out long? next)
    {
        lock (this)
        {
            next = NextDue(now);
            if (next is null || next > now)
                return null;
            bool isTotal = _totalLimit >= 0 && _startedAt + _totalLimit <= now;
            long limit = isTotal ? _totalLimit : _idleLimit;
            string heard = _lastHeard is null
                ? Pool?.IsGreeted(Worker) == true ? "the worker has not answered its handshake yet" : "nothing was heard from the worker"
                : $"'{_lastHeard}' was last heard, {Seconds(now - _heardAt)} before";
            string message = isTotal
                ? $"The request '{Method}'{Where} was not answered within its timeout of {Seconds(limit)}; {heard}."
                : $"The request '{Method}'{Where} was silent for its idle timeout of {Seconds(limit)}; {heard}.";
            return new BusTimeoutException(message) { IsIdle = !isTotal, Method = Method, Pool = PoolName, WorkerId = Worker < 0 ? null : Worker };
        }
    }

    // Before anybody else has the call, and then by the table alone.
    private void Set(Traits trait, bool on) => _traits = on ? _traits | trait : _traits & ~trait;

    [Flags]
    private enum Traits : byte
    {
        None = 0,
        OwnKey = 1,
        GoesOnAtOnce = 2,
        Sent = 4,
        Driven = 8,
    }

    private string Where => Pool is null ? "" : $" to pool '{Pool.Id}'";

    private static string Seconds(long milliseconds) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{milliseconds / 1000.0:0.###} s");

    private static long Milliseconds(TimeSpan? limit) => limit is { } time ? (long)time.TotalMilliseconds : -1;

    private static TimeSpan? Time(long limit) => limit < 0 ? null : TimeSpan.FromMilliseconds(limit);

    // Never while it is held: who lets go of it sees to it that it is looked at again.
    private long? NextDue(long now)
    {
        if (_heldSince >= 0)
            return null;
        long? due = _totalLimit >= 0 ? _startedAt + _totalLimit : null;
        if (_idleLimit >= 0)
        {
            long idleDue = (_questions > 0 ? now : _heardAt) + _idleLimit;
            due = due is null || idleDue < due ? idleDue : due;
        }

        return due;
    }
}
