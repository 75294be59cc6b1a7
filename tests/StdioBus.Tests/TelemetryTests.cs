using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What those hear who listen to the activities and the meter named StdioBus. Alone, because listening is for the whole process.</summary>
[Collection(nameof(AloneCollection))]
public sealed class TelemetryTests
{
    [Fact(DisplayName = "Each request is a client span with the names of OpenTelemetry, a child of the caller's, which stays the current one")]
    public async Task A_request_is_a_client_span()
    {
        using var spans = new Spans();
        await using Bus bus = await TestWorkers.StartAsync();
        using var caller = new Activity("caller").Start();
        await bus.RequestAsync("echo", new { a = 1 }).Soon();
        Assert.Same(caller, Activity.Current);
        Activity span = Assert.Single(spans.Ended);
        Assert.Equal(("echo", ActivityKind.Client, ActivityStatusCode.Unset), (span.DisplayName, span.Kind, span.Status));
        Assert.Equal((caller.TraceId, caller.SpanId), (span.TraceId, span.ParentSpanId));
        Assert.Equal(
            $"network.transport=pipe rpc.jsonrpc.version=2.0 rpc.method=echo rpc.system=jsonrpc stdiobus.bus={bus.Name} stdiobus.pool=test stdiobus.worker=0",
            string.Join(' ', span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal)));
        Assert.True(span.Duration > TimeSpan.Zero);
    }

    [Theory(DisplayName = "Over a socket the span's transport is the socket's kind")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_transport_is_the_backends(bool overTcp)
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp);
        string trace = Path.Combine(Directory.CreateTempSubdirectory("stdiobus-trace-").FullName, "trace");
        using var spans = new Spans();
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        (options.Backend, options.Socket, options.TracePath) = (BackendKind.Socket, daemon.Address, overTcp ? trace : null);
        await using (Bus bus = await TestWorkers.StartAsync(options))
            await bus.RequestAsync("echo").Soon();
        Assert.Equal(daemon.Address.UnixPath is null ? "tcp" : "unix", spans.Take().GetTagItem("network.transport"));
        Directory.Delete(Path.GetDirectoryName(trace)!, recursive: true);
    }

    [Fact(DisplayName = "L10: a request that fails is a span with an error, the worker's code kept")]
    public async Task A_failure_is_an_error_of_its_span()
    {
        using var spans = new Spans();
        await using Bus bus = await TestWorkers.StartAsync();
        await Assert.ThrowsAnyAsync<StdioBusException>(() => bus.RequestAsync("fail", new { code = -32001, message = "no such thing" }).Soon());
        Activity failed = spans.Take();
        Assert.Equal((ActivityStatusCode.Error, "no such thing"), (failed.Status, failed.StatusDescription));
        Assert.Equal((-32001, "no such thing", "-32001"), (failed.GetTagItem("rpc.jsonrpc.error_code"), failed.GetTagItem("rpc.jsonrpc.error_message"), failed.GetTagItem("error.type")));

        await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = TimeSpan.FromMilliseconds(20) }).Soon());
        Activity late = spans.Take();
        Assert.Equal((ActivityStatusCode.Error, "Timeout", null), (late.Status, late.GetTagItem("error.type"), late.GetTagItem("rpc.jsonrpc.error_code")));

        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> cancelled = bus.RequestAsync("hold", new { key = "k" }, null, cancelling.Token);
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        Assert.Equal("Cancelled", spans.Take().GetTagItem("error.type"));

        await bus.StopAsync().Soon();
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("echo").Soon());
        Assert.Empty(spans.Begun.Except(spans.Ended));
    }

    [Fact(DisplayName = "A stream is a span too, which ends when its consumer is through, or leaves")]
    public async Task A_stream_is_a_span()
    {
        using var spans = new Spans();
        await using Bus bus = await TestWorkers.StartAsync();
        await foreach (StreamEvent each in bus.StreamRequestAsync("stream", new { count = 2 }))
        {
            Assert.NotNull(each);
            Assert.Null(Activity.Current);
            Assert.Empty(spans.Ended);
        }

        Assert.Equal(("stream", ActivityStatusCode.Unset), (spans.Ended.Single().DisplayName, spans.Take().Status));
        (Bus scripted, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = scripted;
        await using (IAsyncEnumerator<StreamEvent> events = scripted.StreamRequestAsync("m").GetAsyncEnumerator())
        {
            Task<bool> first = events.MoveNextAsync().AsTask();
            backend.Chunk("c");
            Assert.True(await first.Soon());
        }

        Assert.Equal("Cancelled", spans.Take().GetTagItem("error.type"));
    }

    [Fact(DisplayName = "Asked for, a request carries its span as traceparent and tracestate under params._meta, whatever params it has")]
    public async Task A_request_carries_its_trace()
    {
        using var spans = new Spans();
        BusOptions options = TestWorkers.Options(new BusPool("p", "unused"));
        options.PropagateTraceContext = true;
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(options);
        await using var _ = bus;
        using var caller = new Activity("caller") { TraceStateString = "vendor=1" };
        caller.Start();
        (string? Given, string Wanted)[] cases =
        [
            (null, """{"_meta":{"traceparent":"$","tracestate":"vendor=1"}}"""),
            ("{}", """{"_meta":{"traceparent":"$","tracestate":"vendor=1"}}"""),
            (""" { "a" : 1 } """, """{"_meta":{"traceparent":"$","tracestate":"vendor=1"}, "a" : 1 } """),
            ("""{"_meta":{}}""", """{"_meta":{"traceparent":"$","tracestate":"vendor=1"}}"""),
            ("""{"_meta":{"x":1},"b":2}""", """{"_meta":{"traceparent":"$","tracestate":"vendor=1","x":1},"b":2}"""),
            ("""{"_meta":{"traceparent":"mine"}}""", """{"_meta":{"traceparent":"mine"}}"""),
            ("[1]", "[1]"),
        ];
        foreach ((string? given, string wanted) in cases)
        {
            Task<RawJson> call = bus.RequestRawAsync("m", given is null ? null : new RawJson(given));
            string sent = backend.TakeSent().Json;
            Activity span = spans.Begun.Last();
            Assert.Contains("\"params\":" + wanted.Replace("$", span.Id, StringComparison.Ordinal), sent, StringComparison.Ordinal);
            backend.Answer(JsonDocument.Parse(sent).RootElement.GetProperty("id").GetRawText(), "1");
            await call.Soon();
        }

        // A call can say otherwise.
        Task<JsonElement> silent = bus.RequestAsync("m", new { a = 1 }, new() { PropagateTraceContext = false });
        Assert.DoesNotContain("_meta", backend.TakeSent().Json, StringComparison.Ordinal);

        // With the progress token beside it, each is there once.
        Task<JsonElement> reporting = bus.RequestAsync("m", new { a = 1 }, new() { ReportProgress = true });
        using var both = JsonDocument.Parse(backend.TakeSent().Json);
        Assert.Equal(["progressToken", "traceparent", "tracestate"], both.RootElement.GetProperty("params").GetProperty("_meta").EnumerateObject().Select(member => member.Name));
        Assert.All([silent, reporting], call => Assert.False(call.IsCompleted));

        // Their spans would else end before the eyes of the next listener.
        await bus.StopAsync().Soon();
        foreach (Task<JsonElement> call in new[] { silent, reporting })
            await Assert.ThrowsAsync<BusTransportException>(() => call.Soon());
    }

    [Fact(DisplayName = "Without listeners a request carries the caller's activity, when asked for; without one, and by default, nothing")]
    public async Task Without_a_span_the_callers_activity_is_carried()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var asked = new RequestOptions { PropagateTraceContext = true };
        Activity.Current = null;
        var none = bus.RequestAsync("m", null, asked);
        Assert.DoesNotContain("_meta", backend.TakeSent().Json, StringComparison.Ordinal);
        using var caller = new Activity("caller").Start();
        var carried = bus.RequestAsync("m", null, asked);
        Assert.Contains($"{{\"_meta\":{{\"traceparent\":\"{caller.Id}\"}}}}", backend.TakeSent().Json, StringComparison.Ordinal);
        var silent = bus.RequestAsync("m");
        Assert.DoesNotContain("_meta", backend.TakeSent().Json, StringComparison.Ordinal);
        Assert.All([none, carried, silent], call => Assert.False(call.IsCompleted));
    }

    [Fact(DisplayName = "Without listeners telemetry makes nothing")]
    public void Without_listeners_nothing_is_made()
    {
        var call = new StreamCall(() => 0) { Method = "m", Reader = JsonElements.Reader, Capacity = 1, OverflowBytes = 1, Flow = null!, Deadlines = null! };
        Run(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                call.Span = BusTelemetry.Begin(call, "bus", "pipe");
                BusTelemetry.End(call, null);
            }
        }
    }

    [Fact(DisplayName = "The meter counts requests, failures, pending ones, workers, restarts and dropped notifications, and how long each request took")]
    public async Task The_meter_counts()
    {
        using var meter = new Measurements();
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        await bus.RequestAsync("echo").Soon();
        await Assert.ThrowsAnyAsync<StdioBusException>(() => bus.RequestAsync("fail", new { code = 7, message = "m" }).Soon());
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> pending = bus.RequestAsync("hold", new { key = "k" }, null, cancelling.Token);
        await Assert.ThrowsAsync<BusTransportException>(() => bus.RequestAsync("exit", new { code = 3 }).Soon());
        await Waiting.Until(() => bus.Statistics.WorkerRestarts == 1, "the worker is started again");
        await Waiting.Until(() => bus.WorkerCount == 2, "both workers run");
        Assert.Equal(
            [
                "stdiobus.notifications.dropped 0", "stdiobus.request.failures 2", "stdiobus.requests 4",
                "stdiobus.requests.pending 1", "stdiobus.worker.restarts 1", "stdiobus.workers 2",
            ],
            meter.Collect(bus.Name));
        (string Tags, double Milliseconds)[] durations = [.. meter.Durations];
        Assert.Equal(
            [
                "rpc.method=echo rpc.system=jsonrpc stdiobus.pool=test",
                "error.type=7 rpc.method=fail rpc.system=jsonrpc stdiobus.pool=test",
                $"error.type={RpcErrorCode.WorkerExited} rpc.method=exit rpc.system=jsonrpc stdiobus.pool=test",
            ],
            durations.Select(duration => duration.Tags));
        Assert.All(durations, duration => Assert.True(duration.Milliseconds > 0));
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.Soon());
        Assert.EndsWith("error.type=Cancelled rpc.method=hold rpc.system=jsonrpc stdiobus.pool=test", meter.Durations.Last().Tags, StringComparison.Ordinal);
    }

    /// <summary>Hears every span, and remembers those that began and ended.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "StdioBus",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStarted = Begun.Enqueue,
                ActivityStopped = Ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public ConcurrentQueue<Activity> Begun { get; } = new();

        public ConcurrentQueue<Activity> Ended { get; } = new();

        public Activity Take()
        {
            Assert.True(Ended.TryDequeue(out Activity? ended), "no span has ended");
            Assert.True(Begun.TryDequeue(out Activity? begun));
            Assert.Same(begun, ended);
            return ended;
        }

        public void Dispose() => _listener.Dispose();
    }

    /// <summary>Hears every instrument.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly List<(string Bus, string Text)> _observed = [];

        public Measurements()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "StdioBus")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _observed.Add(((string)tags[0].Value!, $"{instrument.Name} {value}")));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            {
                Assert.Equal(("rpc.client.duration", "ms"), (instrument.Name, instrument.Unit));
                Durations.Enqueue((string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal)), value));
            });
            _listener.Start();
        }

        public ConcurrentQueue<(string Tags, double Milliseconds)> Durations { get; } = new();

        public IEnumerable<string> Collect(string bus)
        {
            _observed.Clear();
            _listener.RecordObservableInstruments();
            return _observed.Where(one => one.Bus == bus).Select(one => one.Text).Order(StringComparer.Ordinal);
        }

        public void Dispose() => _listener.Dispose();
    }
}
