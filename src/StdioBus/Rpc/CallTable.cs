namespace StdioBus;

/// <summary>
/// The requests of a bus that wait for an answer: by id, by session, by token and by worker; and those that were given up,
/// as long as their workers may speak of them. Its lock is held for look-ups only, never while anything is told to anybody.
/// </summary>
internal sealed class CallTable
{
    private readonly object _gate = new();
    private readonly CallIds _ids;
    private readonly Dictionary<long, PendingCall> _calls = [];
    private readonly CallIndex _bySession = new();
    private readonly CallIndex _byCallerToken = new();
    private readonly CallList[] _onWorker;
    private readonly CallList[] _unplaced;
    private readonly PoolInfo[] _poolOfWorker;
    private readonly AbandonedCalls _abandoned;
    private readonly Func<long> _clock;
    private bool _closed;

    public CallTable(CallIds ids, IReadOnlyList<PoolInfo> pools, Func<long> clock)
    {
        _ids = ids;
        _clock = clock;
        _poolOfWorker = [.. pools.SelectMany(pool => Enumerable.Repeat(pool, pool.Instances))];
        _abandoned = new AbandonedCalls(pools.Count, _poolOfWorker.Length);
        _onWorker = [.. _poolOfWorker.Select(_ => new CallList())];
        _unplaced = [.. pools.Select(_ => new CallList())];
    }

    public int Count
    {
        get
        {
            lock (_gate)
                return _calls.Count;
        }
    }

    /// <summary>How many streams are among them.</summary>
    public int StreamCount { get; private set; }

    /// <summary>The pool of a worker; null for a number without worker.</summary>
    public PoolInfo? PoolOf(int workerId) => (uint)workerId < (uint)_poolOfWorker.Length ? _poolOfWorker[workerId] : null;

    /// <summary>Adds a call; false when the table is closed. With <paramref name="onlyStream"/> also when a stream is there.</summary>
    public bool Add(PendingCall call, bool onlyStream, out bool hasStream)
    {
        lock (_gate)
        {
            hasStream = StreamCount > 0;
            if (_closed || (onlyStream && hasStream))
                return false;
            _calls.Add(call.Id, call);
            if (call.IsStream)
                StreamCount++;
            if (call.RouteSession is { } route)
                _bySession.Add(route, call);
            if (call.ParamsSession is { } session && session != call.RouteSession)
                _bySession.Add(session, call);
            if (call.CallerToken is { } token)
                _byCallerToken.Add(token, call);
            if (call.Pool is { } pool)
                Put(call, pool.OnlyWorker);
            return true;
        }
    }

    /// <summary>Whether a call still waits.</summary>
    public bool Contains(PendingCall call)
    {
        lock (_gate)
            return _calls.ContainsKey(call.Id);
    }

    /// <summary>Takes out a call that is given up; false when someone else took it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="isMinded">Whether its worker is to answer it even so, which is then waited for: see <see cref="Settle"/>.</param>
    /// <param name="isTold">Whether its worker is told to leave it.</param>
    public bool Abandon(PendingCall call, bool isMinded, bool isTold)
    {
        lock (_gate)
        {
            if (!RemoveLocked(call))
                return false;
            if (isMinded)
                _abandoned.Add(call, isTold, _ids.Last, _clock());
            return true;
        }
    }

    /// <summary>A request that was given up is over at its worker.</summary>
    public void Settle(long id)
    {
        lock (_gate)
            _abandoned.Remove(id);
    }

    /// <summary>Takes out the call with this id; null when there is none.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="answeredBy">The worker that answers it; -1 for none.</param>
    public PendingCall? Take(long id, int answeredBy = -1)
    {
        lock (_gate)
        {
            if (!_calls.TryGetValue(id, out PendingCall? call) || !RemoveLocked(call))
                return null;
            _abandoned.NoteAnswer(answeredBy, id);
            return call;
        }
    }

    /// <summary>Takes out all.</summary>
    /// <param name="close">Whether no more are let in.</param>
    public IReadOnlyList<PendingCall> TakeAll(bool close)
    {
        lock (_gate)
        {
            _closed |= close;
            _abandoned.Clear();
            PendingCall[] calls = [.. _calls.Values];
            foreach (PendingCall call in calls)
                RemoveLocked(call);
            return calls;
        }
    }

    /// <summary>Notes that the kernel has a request, and which worker it gave it to; -1 when that is not known.</summary>
    public void Place(long id, int workerId)
    {
        lock (_gate)
        {
            if (!_calls.TryGetValue(id, out PendingCall? call))
            {
                _abandoned.Place(id, workerId);
                return;
            }

            call.IsSent = true;
            if (workerId >= 0)
                Put(call, workerId);
        }
    }

    /// <summary>A worker's process ended: what it had and was not answered is somewhere else now.</summary>
    public void Unplace(int workerId)
    {
        lock (_gate)
        {
            if ((uint)workerId >= (uint)_onWorker.Length || _poolOfWorker[workerId].OnlyWorker == workerId)
                return;
            while (_onWorker[workerId].First is { } call)
                Put(call, -1);
            _abandoned.Unplace(workerId, _poolOfWorker[workerId]);
        }
    }

    /// <summary>The calls that a worker has, and may have.</summary>
    public PendingCall[] Of(int workerId)
    {
        lock (_gate)
            return PoolOf(workerId) is { } pool ? [.. _onWorker[workerId], .. _unplaced[pool.Index]] : [];
    }

    /// <summary>Whether every call that this worker may have is a stream whose consumer is slow.</summary>
    public bool HasOnlyFullStreams(int workerId)
    {
        lock (_gate)
            return PoolOf(workerId) is { } pool
                && AreFullStreams(_onWorker[workerId])
                && AreFullStreams(_unplaced[pool.Index]);
    }

    /// <summary>
    /// The call a notification belongs to; null for none. By its session, its progress token or its request id, else
    /// by the worker that sent it.
    /// </summary>
    /// <param name="notification">The notification.</param>
    /// <param name="topSession">The session at its top level.</param>
    /// <param name="paramsSession">The session in its params.</param>
    /// <param name="ambiguous">Whether several could own it, and the oldest does.</param>
    /// <param name="abandoned">A request that was given up and may be the owner in the place of the call, which must not have it then.</param>
    public PendingCall? FindOwner(in IncomingNotification notification, string? topSession, string? paramsSession, out bool ambiguous, out AbandonedCall? abandoned)
    {
        ambiguous = false;
        abandoned = null;
        lock (_gate)
        {
            if (_calls.Count == 0 && _abandoned.Count == 0)
                return null;
            PoolInfo? pool = PoolOf(notification.WorkerId);
            NotificationKeys keys = notification.Keys;
            PendingCall? named = ByOurId(notification.Json, keys.ProgressToken, pool)
                ?? ByCallerToken(notification.Json, keys.ProgressToken, pool)
                ?? ByOurId(notification.Json, keys.RequestId, pool);
            PendingCall? owner = BySession(topSession, notification.WorkerId, named, pool, ref ambiguous, ref abandoned)
                ?? BySession(paramsSession, notification.WorkerId, named, pool, ref ambiguous, ref abandoned)
                ?? named;
            if (owner is not null)
            {
                if (owner.Worker < 0 && notification.WorkerId >= 0 && abandoned is null)
                    Put(owner, notification.WorkerId);
                return owner;
            }

            bool hasKey = topSession is not null || paramsSession is not null || keys.ProgressToken.IsPresent || keys.RequestId.IsPresent;
            return hasKey ? null : ByWorker(notification.WorkerId, pool, ref ambiguous, ref abandoned);
        }
    }

    private static bool AreFullStreams(CallList list)
    {
        for (PendingCall? call = list.First; call is not null; call = call.Next)
            if (call is not StreamCall { IsFull: true })
                return false;
        return true;
    }

    private static bool IsOf(PendingCall call, PoolInfo? pool) => pool is null || call.Pool is null || call.Pool == pool;

    private PendingCall? ByOurId(ReadOnlySpan<byte> json, JsonSlice place, PoolInfo? pool) =>
        place.IsPresent
        && _ids.Read(place.Of(json)) is var id and not 0
        && _calls.TryGetValue(id, out PendingCall? call)
        && IsOf(call, pool)
            ? call
            : null;

    private PendingCall? ByCallerToken(ReadOnlySpan<byte> json, JsonSlice place, PoolInfo? pool)
    {
        if (!place.IsPresent)
            return null;
        foreach (PendingCall call in _byCallerToken.Find(ProgressTokens.Normalise(place.Of(json))))
            if (IsOf(call, pool))
                return call;
        return null;
    }

    // Several calls of one session are told apart by token or id; else the oldest is the owner.
    private PendingCall? BySession(string? session, int workerId, PendingCall? named, PoolInfo? pool, ref bool ambiguous, ref AbandonedCall? abandoned)
    {
        if (session is null)
            return null;
        PendingCall? oldest = null;
        foreach (PendingCall call in _bySession.Find(session))
        {
            if (!IsOf(call, pool))
                continue;
            if (call == named)
            {
                ambiguous = false;
                return call;
            }

            ambiguous |= oldest is not null;
            oldest ??= call;
        }

        return _abandoned.Count > 0 && _clock() is var now && _abandoned.FindOf(session, workerId, pool, now) is { } past
            ? Weigh(past, workerId, oldest, oldest, now, ref ambiguous, ref abandoned)
            : oldest;
    }

    private PendingCall? ByWorker(int workerId, PoolInfo? pool, ref bool ambiguous, ref AbandonedCall? abandoned)
    {
        if (pool is null)
            return null;
        PendingCall? placed = FirstSent(_onWorker[workerId].First);
        PendingCall? unplaced = FirstSent(_unplaced[pool.Index].First);
        PendingCall? only = placed is null || unplaced is null ? placed ?? unplaced : null;
        if (only is not null && FirstSent(only.Next) is not null)
            only = null;
        PendingCall? oldest = Oldest(FirstWithoutKey(placed), FirstWithoutKey(unplaced));
        if (_abandoned.Count > 0 && _clock() is var now && _abandoned.FindOn(workerId, pool, now) is { } past)
            return Weigh(past, workerId, oldest, only ?? oldest, now, ref ambiguous, ref abandoned);
        ambiguous = only is null && oldest is not null;
        return only ?? oldest;
    }

    // Between a request that was given up and those that wait: the oldest that has no key, and the one that would be the
    // owner without it.
    private PendingCall? Weigh(AbandonedCall past, int workerId, PendingCall? oldest, PendingCall? owner, long now, ref bool ambiguous, ref AbandonedCall? abandoned)
    {
        if (owner is null)
            past.Heard(_ids.Last, now);
        else if (_abandoned.HoldsBack(past, workerId, now) && (oldest is null || past.Id < oldest.Id))
            abandoned = past;
        else
            ambiguous = true;
        return owner;
    }

    // A worker cannot speak of a request that it does not have yet.
    private static PendingCall? FirstSent(PendingCall? call)
    {
        while (call is { IsSent: false })
            call = call.Next;
        return call;
    }

    private static PendingCall? FirstWithoutKey(PendingCall? call)
    {
        while (call is { HasOwnKey: true } or { IsSent: false })
            call = call.Next;
        return call;
    }

    private static PendingCall? Oldest(PendingCall? one, PendingCall? other) =>
        one is null || (other is not null && other.Id < one.Id) ? other : one;

    private void Put(PendingCall call, int workerId)
    {
        if (call.Pool is not { } pool)
            return;
        call.Worker = (uint)workerId < (uint)_onWorker.Length ? workerId : -1;
        CallList list = call.Worker < 0 ? _unplaced[pool.Index] : _onWorker[call.Worker];
        if (call.List == list)
            return;
        call.List?.Remove(call);
        list.Add(call);
    }

    private bool RemoveLocked(PendingCall call)
    {
        if (!_calls.Remove(call.Id))
            return false;
        if (call.IsStream)
            StreamCount--;
        if (call.RouteSession is { } route)
            _bySession.Remove(route, call);
        if (call.ParamsSession is { } session && session != call.RouteSession)
            _bySession.Remove(session, call);
        if (call.CallerToken is { } token)
            _byCallerToken.Remove(token, call);
        call.List?.Remove(call);
        return true;
    }
}
