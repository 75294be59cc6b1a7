namespace StdioBus;

/// <summary>What a <see cref="Bus"/> is made from.</summary>
public sealed class BusOptions
{
    /// <summary>The configuration; exactly one of this and <see cref="ConfigPath"/> is given.</summary>
    public BusConfig? Config { get; set; }

    /// <summary>Path of a configuration file: the kernel's format, or one with <c>mcpServers</c>.</summary>
    public string? ConfigPath { get; set; }

    /// <summary>Limits that win over those of the configuration, one by one.</summary>
    public BusLimits? Limits { get; set; }

    /// <summary>How the kernel is reached.</summary>
    public BackendKind Backend { get; set; } = BackendKind.Auto;

    /// <summary>The total deadline of requests that name none: 30 s. Null, zero or infinite: none.</summary>
    public TimeSpan? Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The idle deadline of requests that name none; reset by each of their notifications. Null, zero or infinite: none.</summary>
    public TimeSpan? IdleTimeout { get; set; }

    /// <summary>How idempotent requests that name no way of their own are made again after a failure. Null: they are not.</summary>
    public RetryOptions? Retry { get; set; }

    /// <summary>
    /// Whether requests that do not say so themselves carry the trace they are part of, as <c>traceparent</c> and
    /// <c>tracestate</c> (W3C Trace Context) under <c>params._meta</c>. Off by default.
    /// </summary>
    public bool PropagateTraceContext { get; set; }

    /// <summary>
    /// A file to which every message between this bus and its workers is written, one JSON object a line; null, the
    /// default, for none. It is opened when the bus starts, made for its owner alone where there is none, and appended to.
    /// A line has <c>time</c> (UTC), <c>direction</c> (<c>out</c> to a worker, <c>in</c> from one), <c>worker</c>,
    /// <c>pool</c> and <c>session</c> where they are known, <c>kernel</c> (true) when the kernel made the message, and
    /// <c>message</c> without the values of <see cref="TraceRedactedKeys"/>. The bus never waits for the file: lines that it
    /// does not take are counted in <see cref="BusStatistics.DroppedTraceLines"/>.
    /// </summary>
    public string? TracePath { get; set; }

    /// <summary>
    /// Names whose values become <c>***</c> in the trace, at any depth; null for <see cref="DefaultTraceRedactedKeys"/>,
    /// empty for none. A member is meant when its name ends in one of them, where only letters and digits count and not
    /// their case: <c>apiKey</c> is also <c>OPENAI_API_KEY</c> and <c>x-api-key</c>. So is the <c>value</c> of an object whose
    /// <c>name</c> does, such as a header or an environment variable. <c>progressToken</c> must be named in full.
    /// </summary>
    public IReadOnlyList<string>? TraceRedactedKeys { get; set; }

    /// <summary>What <see cref="TraceRedactedKeys"/> are when none are given.</summary>
    public static IReadOnlyList<string> DefaultTraceRedactedKeys { get; } =
    [
        "token", "apiKey", "accessKey", "secretKey", "privateKey", "authorization", "password", "passwd", "passphrase",
        "secret", "credential", "credentials", "cookie",
    ];

    /// <summary>Options of the native backend.</summary>
    public NativeOptions? Native { get; set; }

    /// <summary>Options of the backend that runs the daemon as a child process.</summary>
    public SubprocessOptions? Subprocess { get; set; }

    /// <summary>Options of the backend that runs the daemon in a container.</summary>
    public DockerOptions? Docker { get; set; }

    /// <summary>Options of the backend that reaches a running daemon.</summary>
    public SocketOptions? Socket { get; set; }

    /// <summary>The bus's name, unique among the open ones of the process; null for <c>bus1</c>, <c>bus2</c> …</summary>
    public string? Name { get; set; }

    /// <summary>Whether a second stream is refused while one runs.</summary>
    public bool SingleStream { get; set; }

    /// <summary>
    /// Bytes a stream may hold while its worker goes on being read because another call waits on it, and bytes of text that
    /// a request that is no stream collects from its chunks: 64 MiB. A call with more fails with ResourceExhausted. A stream
    /// that holds half as much is full (see <see cref="StreamQueue"/>).
    /// </summary>
    public long StreamOverflowBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>
    /// Events with which a stream is full: 1024, or fewer that have half of <see cref="StreamOverflowBytes"/>. Reading from a
    /// worker pauses while all that wait on it are full streams.
    /// </summary>
    public int StreamQueue { get; set; } = 1024;

    /// <summary>
    /// What answers MCP's <c>roots/list</c> where no handler does; null: nothing, which is the error −32601. Servers ask
    /// only when <c>initialize</c> declared the capability.
    /// </summary>
    public IList<BusRoot>? Roots { get; set; }

    /// <summary>
    /// Whether ACP's <c>session/request_permission</c> is answered with a rejection where no handler does. Off: it is
    /// the error −32601.
    /// </summary>
    public bool RejectPermissions { get; set; }

    internal BusOptions Copy() => (BusOptions)MemberwiseClone();
}
