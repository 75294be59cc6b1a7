using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace StdioBus;

/// <summary>
/// What OpenTelemetry and others hear: an <see cref="ActivitySource"/> and a <see cref="Meter"/>, both named
/// <c>StdioBus</c>. Names are those of OpenTelemetry's conventions for RPC clients, version 1.37, and <c>stdiobus.*</c>
/// where it has none. Listeners run on the caller's side, never on a loop thread.
/// </summary>
internal static class BusTelemetry
{
    private const string Name = "StdioBus";
    private static readonly string? Version = typeof(BusTelemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource Source = new(Name, Version);
    private static readonly Meter Meter = MakeMeter();
    private static readonly Histogram<double> Duration =
        Meter.CreateHistogram<double>("rpc.client.duration", "ms", "How long requests took, from when they were sent until they ended.");

    /// <summary>Makes the instruments, so that those who listen find them before the first request.</summary>
    public static void Announce() => System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(BusTelemetry).TypeHandle);

    /// <summary>Begins the span of a request; null when nobody listens, or nobody wants this one.</summary>
    /// <param name="call">The request.</param>
    /// <param name="busName">The bus.</param>
    /// <param name="transport">See <see cref="IBusBackend.Transport"/>.</param>
    public static Activity? Begin(PendingCall call, string busName, string transport)
    {
        if (!Source.HasListeners())
            return null;
        var tags = new ActivityTagsCollection { ["rpc.system"] = "jsonrpc", ["rpc.method"] = call.Method };
        Activity? around = Activity.Current;
        Activity? span = Source.StartActivity(call.Method, ActivityKind.Client, parentContext: default, tags);

        // What the caller does next, while the request runs, is not part of it.
        Activity.Current = around;
        if (span is not { IsAllDataRequested: true })
            return span;
        span.SetTag("rpc.jsonrpc.version", "2.0");
        span.SetTag("network.transport", transport);
        span.SetTag("stdiobus.bus", busName);
        span.SetTag("stdiobus.pool", call.PoolName);
        return span;
    }

    /// <summary>Whether <see cref="End"/> has something to do for a request.</summary>
    public static bool IsWanted(PendingCall call) => call.Span is not null || Duration.Enabled;

    /// <summary>Ends the span of a request, if it has one, and counts its duration, if somebody wants that. On the caller's side.</summary>
    /// <param name="call">The request.</param>
    /// <param name="failure">What ended it; null for a result.</param>
    public static void End(PendingCall call, Exception? failure)
    {
        if (Duration.Enabled && call.SentAt != 0)
        {
            var tags = new TagList { { "rpc.system", "jsonrpc" }, { "rpc.method", call.Method }, { "stdiobus.pool", call.PoolName } };
            if (failure is not null)
                tags.Add("error.type", ErrorType(failure));
            Duration.Record(Stopwatch.GetElapsedTime(call.SentAt).TotalMilliseconds, tags);
        }

        if (call.Span is not { } span)
            return;
        call.Span = null;
        if (span.IsAllDataRequested)
        {
            if (call.Worker >= 0)
                span.SetTag("stdiobus.worker", call.Worker);
            if (failure is not null)
                NoteFailure(span, failure);
        }

        span.Dispose();
    }

    private static void NoteFailure(Activity span, Exception failure)
    {
        span.SetStatus(ActivityStatusCode.Error, failure.Message);
        span.SetTag("error.type", ErrorType(failure));
        if (failure is StdioBusException { RpcCode: { } code })
        {
            span.SetTag("rpc.jsonrpc.error_code", code);
            span.SetTag("rpc.jsonrpc.error_message", failure.Message);
        }
    }

    private static string ErrorType(Exception failure) => failure switch
    {
        StdioBusException { RpcCode: { } code } => code.ToString(System.Globalization.CultureInfo.InvariantCulture),
        StdioBusException known => known.Code.ToString(),
        OperationCanceledException => nameof(BusErrorCode.Cancelled),
        _ => failure.GetType().FullName!,
    };

    // Observed instruments ask the open buses, when somebody collects.
    private static Meter MakeMeter()
    {
        var meter = new Meter(Name, Version);
        meter.CreateObservableCounter("stdiobus.requests", () => Observe(bus => bus.Counters.Requests), "{request}", "Requests sent.");
        meter.CreateObservableCounter("stdiobus.request.failures", () => Observe(bus => bus.Counters.Failures), "{request}", "Requests that ended in an error, a timeout or a cancellation.");
        meter.CreateObservableUpDownCounter("stdiobus.requests.pending", () => Observe(bus => bus.PendingCount), "{request}", "Requests that wait for an answer.");
        meter.CreateObservableUpDownCounter("stdiobus.workers", () => Observe(bus => bus.WorkerCount), "{worker}", "Workers that run.");
        meter.CreateObservableCounter("stdiobus.worker.restarts", () => Observe(bus => bus.Statistics.WorkerRestarts), "{restart}", "How often workers were started again.");
        meter.CreateObservableCounter("stdiobus.notifications.dropped", () => Observe(bus => bus.Counters.DroppedNotifications), "{notification}", "Notifications nobody was there for, and those that full subscriptions dropped.");
        return meter;
    }

    // A backend that cannot tell says a negative number; that is no measurement.
    private static IEnumerable<Measurement<long>> Observe(Func<Bus, long> read) =>
        from bus in BusRegistry.Open
        let value = read(bus)
        where value >= 0
        select new Measurement<long>(value, new KeyValuePair<string, object?>("stdiobus.bus", bus.Name));
}
