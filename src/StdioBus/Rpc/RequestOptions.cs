namespace StdioBus;

/// <summary>How a request is made.</summary>
public class RequestOptions : MessageOptions
{
    /// <summary>The total deadline; null for the bus's (for a stream: none), zero or infinite for none.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>
    /// The idle deadline, reset by each notification that belongs to the request; null for the bus's (for a stream:
    /// then the bus's total deadline), zero or infinite for none.
    /// </summary>
    public TimeSpan? IdleTimeout { get; set; }

    /// <summary>Whether the request carries <c>params._meta.progressToken</c>; null: yes where the pool speaks MCP.</summary>
    public bool? ReportProgress { get; set; }

    /// <summary>
    /// Whether the request may be carried out twice without harm, so that it may be made again after a failure; see
    /// <see cref="Retry"/>. Off by default. Streams are never made again.
    /// </summary>
    public bool IsIdempotent { get; set; }

    /// <summary>How often and when it is made again, if it is idempotent; null for the bus's <see cref="BusOptions.Retry"/>.</summary>
    public RetryOptions? Retry { get; set; }

    /// <summary>
    /// Whether the request carries the trace it is part of (its span, when somebody listens, else the current activity)
    /// as <c>traceparent</c> and <c>tracestate</c> under <c>params._meta</c>, unless it has a <c>traceparent</c> of the
    /// caller's there; null: as the bus does.
    /// </summary>
    public bool? PropagateTraceContext { get; set; }

    /// <summary>
    /// How .NET values become parameters, and how <see cref="Bus.RequestAsync{T}"/> makes its result; null: names as they
    /// stand in the code, case-sensitive, up to 1,000 levels, integers of any size, lone surrogates kept.
    /// </summary>
    public System.Text.Json.JsonSerializerOptions? SerializerOptions { get; set; }

    /// <summary>
    /// Whether the caller goes on on the thread that reads from the workers, without the way over the thread pool: for
    /// callers that do nothing there but hand the outcome over to another thread.
    /// </summary>
    internal bool GoesOnAtOnce { get; set; }

    /// <summary>
    /// Whether its caller waits for it on a thread of its own, in <see cref="Bus.Drive"/> as long as that is of use. He goes on
    /// at once then, whatever <see cref="GoesOnAtOnce"/> says.
    /// </summary>
    internal bool IsDriven { get; set; }

    /// <summary>Makes the objects of this call from JSON; null for <see cref="System.Text.Json.JsonElement"/>.</summary>
    public JsonReader? Reader { get; set; }

    /// <summary>
    /// Called for each notification that belongs to the request, in order, on the thread pool, before the request
    /// ends. Must be quick; what it throws is logged.
    /// </summary>
    public Action<BusNotification>? OnProgress { get; set; }
}

/// <summary>How a stream is made.</summary>
public class StreamOptions : RequestOptions
{
}
