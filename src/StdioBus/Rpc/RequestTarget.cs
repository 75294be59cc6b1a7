namespace StdioBus;

/// <summary>Where a message goes and which members it has there.</summary>
internal readonly record struct RequestTarget(string Method, PoolInfo? Pool)
{
    /// <summary>Whether the message has its envelope already.</summary>
    public bool IsVerbatim => Pool?.Envelope == EnvelopeKind.StdioBus;

    /// <summary>Resolves method and pool. A pool that is not there, or not named where it must be, is the kernel's to refuse.</summary>
    /// <exception cref="BusInvalidArgumentException">No method; or an option that the pool's envelope has no member for.</exception>
    public static RequestTarget Find(Bus bus, string? method, MessageOptions options)
    {
        PoolInfo? pool = bus.PoolFor(options.Pool);
        if (string.IsNullOrEmpty(method))
        {
            if (options.Pool is null)
                throw new BusInvalidArgumentException("Method: required where no pool is named; with a pool, the pool's default method is taken.");
            method = pool?.DefaultMethod ?? options.Pool;
        }

        if (options.SessionId is { } session && (session.Length == 0 || session.Contains('\0')))
            throw new BusInvalidArgumentException($"{nameof(options.SessionId)}: expected a text that is not empty and has no NUL character.");
        if (options.Pool is { } name && (name.Length == 0 || name.Contains('\0')))
            throw new BusInvalidArgumentException($"{nameof(options.Pool)}: expected a text that is not empty and has no NUL character.");
        if (pool is { Envelope: EnvelopeKind.Standard })
        {
            string? refused = options.AgentId is not null ? nameof(options.AgentId)
                : options.Identity is not null ? nameof(options.Identity)
                : options.Audit is not null ? nameof(options.Audit)
                : null;
            if (refused is not null)
                throw new BusInvalidArgumentException($"{refused}: messages to pool '{pool.Id}' have no member for it; set the pool's {nameof(BusPool.Envelope)} to {nameof(EnvelopeKind.StdioBus)}.");
        }

        return new RequestTarget(method, pool);
    }

    /// <summary>The session that routes the message: given, else the params', else in the StdioBus envelope the client's.</summary>
    public string? RouteSession(Bus bus, MessageOptions options, string? paramsSession) =>
        options.SessionId
        ?? (paramsSession is { Length: > 0 } && !paramsSession.Contains('\0') ? paramsSession : null)
        ?? (IsVerbatim ? bus.ClientSessionId : null);

    /// <summary>The members beside JSON-RPC's own.</summary>
    public MessageComposer.Envelope Envelope(Bus bus, MessageOptions options, string? session) =>
        IsVerbatim ? new(session, options, bus.PoolInMessage(options.Pool)) : default;
}
