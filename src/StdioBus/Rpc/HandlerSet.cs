namespace StdioBus;

/// <summary>
/// The handlers of a bus, the first that matches a request first: those that name the method before those with
/// wildcards, of these those for one pool before those for all, of these the younger before the older.
/// </summary>
internal sealed class HandlerSet
{
    private readonly object _gate = new();
    private volatile BusHandler[] _handlers = [];
    private int _lastId;

    /// <summary>In the order in which they were registered.</summary>
    public IReadOnlyList<BusHandler> All => [.. _handlers.OrderBy(handler => handler.Id)];

    public int NextId() => Interlocked.Increment(ref _lastId);

    public void Add(BusHandler handler)
    {
        lock (_gate)
            _handlers = [.. _handlers.Append(handler).OrderBy(each => HasWildcards(each.Method)).ThenBy(each => each.Pool is null).ThenByDescending(each => each.Id)];
    }

    public void Remove(BusHandler handler)
    {
        lock (_gate)
            _handlers = [.. _handlers.Where(other => other != handler)];
    }

    /// <summary>The handler of a request; null for none.</summary>
    public BusHandler? Find(string method, string pool)
    {
        foreach (BusHandler handler in _handlers)
            if ((handler.Pool is null || handler.Pool == pool) && MethodPattern.Matches(handler.Method, method))
                return handler;
        return null;
    }

    /// <summary>A worker's process ended.</summary>
    public void OnWorkerGone(int workerId)
    {
        foreach (BusHandler handler in _handlers)
            handler.LeaveLane(workerId);
    }

    private static bool HasWildcards(string method) => method.AsSpan().ContainsAny('*', '?');
}
