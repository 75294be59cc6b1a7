namespace StdioBus;

/// <summary>
/// The requests that were given up and are not over at their workers. Part of the <see cref="CallTable"/>, and under its lock.
/// </summary>
internal sealed class AbandonedCalls(int pools, int workers)
{
    /// <summary>How many of a pool are kept; of more, the oldest are not minded any more. The kernel keeps as many of a worker.</summary>
    public const int Most = 1024;

    // By pool; the oldest first.
    private readonly SortedList<long, AbandonedCall>?[] _calls = new SortedList<long, AbandonedCall>?[pools];

    // By worker: the youngest request that it has answered.
    private readonly long[] _lastAnswered = new long[workers];

    public int Count { get; private set; }

    /// <summary>A worker has answered a request.</summary>
    public void NoteAnswer(int workerId, long id)
    {
        if ((uint)workerId < (uint)_lastAnswered.Length && id > _lastAnswered[workerId])
            _lastAnswered[workerId] = id;
    }

    /// <inheritdoc cref="AbandonedCall(PendingCall, bool, long, long)"/>
    public void Add(PendingCall call, bool isTold, long lastId, long now)
    {
        // What it says has its progress token, which is nobody else's.
        if (call.Pool is not { } pool || (call is { HasOwnKey: true, RouteSession: null, ParamsSession: null }))
            return;
        SortedList<long, AbandonedCall> calls = _calls[pool.Index] ??= [];
        if (calls.Count == Most)
            RemoveAt(calls, 0);
        calls.Add(call.Id, new AbandonedCall(call, isTold, lastId, now));
        Count++;
    }

    /// <summary>It is over.</summary>
    public void Remove(long id)
    {
        if (Count == 0)
            return;
        foreach (SortedList<long, AbandonedCall>? calls in _calls)
            if (calls?.IndexOfKey(id) is >= 0 and int at)
                RemoveAt(calls, at);
    }

    /// <summary>The kernel has it, and gave it to this worker; -1 when that is not known.</summary>
    public void Place(long id, int workerId)
    {
        if (Count == 0)
            return;
        foreach (SortedList<long, AbandonedCall>? calls in _calls)
        {
            if (calls is null || !calls.TryGetValue(id, out AbandonedCall? call))
                continue;
            call.IsSent = true;
            if (workerId >= 0)
                call.Worker = workerId;
        }
    }

    /// <summary>A worker's process ended. What the kernel has not heard of yet may be somewhere else now.</summary>
    public void Unplace(int workerId, PoolInfo pool)
    {
        foreach (AbandonedCall call in _calls[pool.Index]?.Values ?? [])
            if (call.Worker == workerId)
                call.Worker = -1;
    }

    public void Clear()
    {
        Array.Clear(_calls);
        Count = 0;
    }

    /// <summary>
    /// The oldest without a key of its own that a worker has, or may have: of those that hold back what may be another's,
    /// else of all; null for none.
    /// </summary>
    public AbandonedCall? FindOn(int workerId, PoolInfo pool, long now)
    {
        AbandonedCall? oldest = null;
        if (Count > 0 && _calls[pool.Index] is { } calls)
        {
            foreach (AbandonedCall call in calls.Values)
            {
                if (!call.IsSent || call.HasOwnKey || (call.Worker >= 0 && call.Worker != workerId))
                    continue;
                if (HoldsBack(call, workerId, now))
                    return call;
                oldest ??= call;
            }
        }

        return oldest;
    }

    /// <summary>The same of a session; it is in any pool, or in this one.</summary>
    public AbandonedCall? FindOf(string session, int workerId, PoolInfo? pool, long now)
    {
        AbandonedCall? oldest = null, holding = null;
        for (int i = 0; i < _calls.Length && Count > 0; i++)
        {
            if (_calls[i] is not { } calls || (pool is not null && pool.Index != i))
                continue;
            foreach (AbandonedCall call in calls.Values)
            {
                if (!call.IsSent || !call.IsOf(session))
                    continue;
                oldest = Older(oldest, call);
                if (!HoldsBack(call, workerId, now))
                    continue;
                holding = Older(holding, call);
                break;
            }
        }

        return holding ?? oldest;
    }

    /// <summary>See <see cref="AbandonedCall.HoldsBack"/>.</summary>
    public bool HoldsBack(AbandonedCall call, int workerId, long now)
    {
        int worker = call.Worker >= 0 ? call.Worker : workerId;
        return call.HoldsBack((uint)worker < (uint)_lastAnswered.Length ? _lastAnswered[worker] : 0, now);
    }

    private static AbandonedCall Older(AbandonedCall? one, AbandonedCall other) => one is null || other.Id < one.Id ? other : one;

    private void RemoveAt(SortedList<long, AbandonedCall> calls, int at)
    {
        calls.RemoveAt(at);
        Count--;
    }
}
