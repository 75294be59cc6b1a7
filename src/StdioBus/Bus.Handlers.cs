namespace StdioBus;

public sealed partial class Bus
{
    private readonly HandlerSet _handlers = new();
    private readonly WorkerRequests _requests;

    /// <summary>The registered handlers of workers' requests, in the order of their ids.</summary>
    public IReadOnlyList<BusHandler> Handlers => _handlers.All;

    /// <summary>
    /// Answers requests that workers send, from now on; before the start, too, so that none is missed. A request that no
    /// handler matches is answered with the error −32601.
    /// </summary>
    /// <remarks>
    /// Of several handlers that match, one that names the method goes before one with wildcards, of these one for the
    /// worker's pool before one for all, of these the younger before the older. Handlers begin in the order in which a
    /// worker asked; with <see cref="HandlerOptions.MaxConcurrent"/> 1 they also end in it.
    /// </remarks>
    /// <param name="method">The methods it answers; <c>*</c> and <c>?</c> are wildcards, case counts.</param>
    /// <param name="handler">
    /// Runs on the thread pool. What it returns is the result: <see cref="RawJson"/> and JSON elements as they are,
    /// anything else through System.Text.Json. What it throws is the error: a <see cref="JsonRpcErrorException"/> as it
    /// says, a <see cref="BusPolicyException"/> with the code 7, anything else with −32603 and its message. The token
    /// ends when the worker's process ends, when the worker cancels the request (<c>notifications/cancelled</c>,
    /// <c>$/cancelRequest</c>) and when the bus stops; what comes of the handler after that is dropped. A kernel of
    /// version 2 does not say who sent a message: there the end of a process is not seen, and a pool cannot be named.
    /// </param>
    /// <param name="options">Which pool, and how many at once; null for the defaults.</param>
    /// <returns>The registration; disposing it ends it.</returns>
    /// <exception cref="StdioBusException">InvalidArgument: an option is out of its range, or names a pool that is not there. InvalidState: the bus was removed.</exception>
    public BusHandler Handle(string method, Func<BusRequest, CancellationToken, Task<object?>> handler, HandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (string.IsNullOrEmpty(method))
            throw new BusInvalidArgumentException($"{nameof(method)}: expected a method or a pattern that is not empty.");
        options ??= new HandlerOptions();
        if (options.MaxConcurrent < 1)
            throw new BusInvalidArgumentException($"{nameof(HandlerOptions.MaxConcurrent)}: expected 1 or more, got {options.MaxConcurrent}.");
        if (options.MaxQueue < 0)
            throw new BusInvalidArgumentException($"{nameof(HandlerOptions.MaxQueue)}: expected 0 or more, got {options.MaxQueue}.");
        if (options.Pool is not null && FindPool(options.Pool) is null)
            throw UnknownPool(options.Pool);
        ObjectDisposedCheck();
        var added = new BusHandler(this, _handlers, _handlers.NextId(), method, handler, options);
        _handlers.Add(added);
        return added;
    }
}
