using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Timeouts and cancellation: the caller is told, the worker is told, nothing stays.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact(DisplayName = "A16: a total timeout says so, how long it was, and what was last heard")]
    public async Task A_total_timeout_says_so()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = Short }).Soon());
        Assert.Equal("The request 'hold' to pool 'test' was not answered within its timeout of 0.05 s; nothing was heard from the worker.", error.Message);
        Assert.True(error.IsRetryable);
        await Settled(bus);

        var call = new ElementCall { Method = "m", Completions = new Completions(new FakeBackend()), Timeout = TimeSpan.FromSeconds(1) };
        Assert.Equal(1000, call.Start(0));
        call.Heard("news", 400);
        Assert.Equal("The request 'm' was not answered within its timeout of 1 s; 'news' was last heard, 0.6 s before.", call.Overdue(1000, out _)!.Message);
    }

    [Fact(DisplayName = "A worker that waits for an answer of ours is not silent: the idle clock stands still meanwhile")]
    public async Task A_question_of_the_worker_stops_the_idle_clock()
    {
        var call = new ElementCall { Method = "m", Completions = new Completions(new FakeBackend()), IdleTimeout = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(10) };
        call.Start(0);
        call.Asked("session/request_permission", 900);
        Assert.Null(call.Overdue(9000, out long? next));
        Assert.Equal(10_000, next);
        call.Answered(9000);
        Assert.Null(call.Overdue(9999, out _));
        Assert.EndsWith("was not answered within its timeout of 10 s; 'session/request_permission' was last heard, 1 s before.", call.Overdue(10_000, out _)!.Message, StringComparison.Ordinal);

        await using Bus bus = await TestWorkers.StartAsync();
        // The worker is there: its start is not part of the silence.
        await bus.RequestAsync("echo").Soon();
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource<object?>();
        bus.Handle("permission", (_, _) =>
        {
            asked.SetResult();
            return answer.Task;
        });
        // The idle clock runs until the worker asks, which is not to include the start of its process.
        await bus.RequestAsync("echo", new { warm = true }).Soon();
        Task<JsonElement> request = bus.RequestAsync("ask", new { method = "permission" }, new() { IdleTimeout = TimeSpan.FromSeconds(2) });
        await asked.Task.Soon();
        // As long as three other requests take to run into the same timeout, one after the other.
        for (int i = 0; i < 3; i++)
            await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = TimeSpan.FromMilliseconds(700) }).Soon());
        answer.SetResult(true);
        await request.Soon();
    }

    [Fact(DisplayName = "L24: an idle timeout is reset by each notification of the request, and by nothing else")]
    public async Task An_idle_timeout_is_reset_by_activity()
    {
        long now = 0;
        var call = new ElementCall { Method = "m", Completions = new Completions(new FakeBackend()), IdleTimeout = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(10) };
        Assert.Equal(1000, call.Start(now));
        Assert.Null(call.Overdue(999, out long? next));
        call.Heard("progress", 900);
        Assert.Null(call.Overdue(1000, out next));
        Assert.Equal(1900, next);
        StdioBusException idle = call.Overdue(1900, out _)!;
        Assert.Equal("The request 'm' was silent for its idle timeout of 1 s; 'progress' was last heard, 1 s before.", idle.Message);
        call.Heard("progress", 9900);
        Assert.Null(call.Overdue(9900, out next));
        Assert.Equal(10_000, next);
        Assert.Contains("timeout of 10 s", call.Overdue(10_000, out _)!.Message, StringComparison.Ordinal);
        await using Bus bus = await TestWorkers.StartAsync();
        await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { IdleTimeout = Short }).Soon());
        await Settled(bus);
    }

    [Fact(DisplayName = "Time in which the consumer is slow does not count towards deadlines")]
    public void Time_held_does_not_count()
    {
        var call = new StreamCall(() => 0) { Method = "m", Reader = JsonElements.Reader, Capacity = 1, OverflowBytes = 1, Flow = null!, Deadlines = null!, IdleTimeout = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(10) };
        call.Start(0);
        call.Heard("x", 500);
        call.Hold(true, 600);
        Assert.Null(call.Overdue(100_000, out long? next));
        Assert.Null(next);
        Assert.Equal(101_500, call.Hold(false, 100_600));
        Assert.Null(call.Overdue(101_400, out next));
        Assert.Equal(101_500, next);
        Assert.NotNull(call.Overdue(101_500, out _));
        Assert.Equal(101_500, call.Elapsed(101_500));
    }

    [Fact(DisplayName = "A stream with a slow consumer is not looked at near its deadline: what is left of it counts once the consumer goes on")]
    public async Task A_held_stream_is_left_alone()
    {
        long now = 0;
        int looks = 0;
        CallCloser? closer = null;
        var armed = new List<long>();
        var queue = new DeadlineQueue(() => now, armed.Add, deadline =>
        {
            looks++;
            closer!.Expire((PendingCall)deadline);
        });
        var backend = new FakeBackend();
        var calls = new CallTable(new CallIds(), [], () => now);
        var flow = new WorkerFlow(backend, calls, 0);
        closer = new CallCloser(backend, new CallIds(), calls, queue, flow, new BusCounters(), new SkippedLines(), () => now, 1000);
        var stream = new StreamCall(() => now) { Method = "m", Reader = JsonElements.Reader, Capacity = 1, OverflowBytes = 1000, Flow = flow, Deadlines = queue, Timeout = TimeSpan.FromSeconds(1) };
        Assert.True(calls.Add(stream, onlyStream: false, out _));
        queue.Add(stream, stream.Start(now)!.Value);
        now = 998;
        var news = new IncomingNotification { Json = "{}"u8, Method = "news", Pool = "" };
        closer.Notify(stream, ref news);
        Assert.True(stream.IsFull);
        for (; now < 5000; now++)
            queue.Fire();
        Assert.Equal((1, 0), (looks, queue.Count));
        Assert.Equal("news", (await stream.NextAsync().Soon())!.Method);
        Assert.Equal((1, 2), (queue.Count, armed[^1]));
        now = 5001;
        queue.Fire();
        Assert.Null(stream.Failure);
        now = 5002;
        queue.Fire();
        Assert.IsType<BusTimeoutException>(stream.Failure);
        Assert.Equal((0, 0), (queue.Count, calls.Count));
    }

    [Fact(DisplayName = "Thousands of timeouts at once leave nothing pending, here or in the kernel, and late answers are counted")]
    public async Task Thousands_of_timeouts_leave_nothing()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        Task<JsonElement>[] calls = [.. Enumerable.Range(0, 5000).Select(i => bus.RequestAsync("hold", new { key = $"k{i}" }, new() { Timeout = TimeSpan.FromMilliseconds(200) }))];
        foreach (Task<JsonElement> call in calls)
            await Assert.ThrowsAsync<BusTimeoutException>(() => call.Soon());
        await Settled(bus);
        await bus.RequestAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","id":$(k7),"result":1}""" } }).Soon();
        Assert.Equal(1, bus.Statistics.LateReplies);
        Assert.Equal(5000, bus.Statistics.Failures);
    }

    [Fact(DisplayName = "A cancelled request throws the caller's cancellation and leaves nothing")]
    public async Task A_cancelled_request_leaves_nothing()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> call = bus.RequestAsync("hold", new { key = "k" }, null, cancelling.Token);
        Assert.Equal(1, bus.PendingCount);
        await cancelling.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        Assert.Equal(cancelling.Token, error.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bus.RequestAsync("echo", null, null, cancelling.Token).Soon());
        await Settled(bus);
    }

    [Theory(DisplayName = "L24: the worker that has the request is told in its pool's dialect")]
    [InlineData(Dialect.Mcp, "hold", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":ID,"reason":"cancelled by the caller"}}""")]
    [InlineData(Dialect.JsonRpcCancel, "hold", """{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":ID}}""")]
    [InlineData(Dialect.Acp, "session/prompt", """{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"s"}}""")]
    [InlineData(Dialect.Acp, "hold", null)]
    [InlineData(Dialect.Plain, "hold", null)]
    [InlineData(Dialect.Auto, "hold", null)]
    public async Task The_worker_is_told(Dialect dialect, string method, string? notice)
    {
        BusPool pool = TestWorkers.Pool();
        pool.Dialect = dialect;
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(pool));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> call = bus.RequestAsync(method, new { sessionId = "s" }, null, cancelling.Token);
        string id = backend.TakeId();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        Assert.Equal(notice?.Replace("ID", id, StringComparison.Ordinal), Assert.Single(backend.GivenUp).Notice);
    }

    [Theory(DisplayName = "A dialect that is not set follows from initialize, which itself is never cancelled")]
    [InlineData("\"2025-06-18\"", "notifications/cancelled")]
    [InlineData("1", "session/cancel")]
    [InlineData("true", null)]
    public async Task The_dialect_follows_from_initialize(string version, string? method)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using var _ = bus;
        foreach (string each in new[] { "initialize", "session/prompt" })
        {
            using var cancelling = new CancellationTokenSource();
            Task<JsonElement> call = bus.RequestAsync(each, new RawJson($$"""{"protocolVersion":{{version}},"sessionId":"s"}"""), null, cancelling.Token);
            await cancelling.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        }

        Assert.Null(backend.GivenUp.First().Notice);
        Assert.Equal(method, backend.GivenUp.Last().Notice is { } notice ? JsonDocument.Parse(notice).RootElement.GetProperty("method").GetString() : null);
    }

    [Theory(DisplayName = "L24: real workers hear of timeouts, one worker and several")]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Real_workers_hear_of_timeouts(int instances)
    {
        BusPool pool = TestWorkers.Pool(instances: instances);
        pool.Dialect = Dialect.Mcp;
        await using Bus bus = await TestWorkers.StartAsync(pool);
        Task<JsonElement>[] calls = [.. Enumerable.Range(0, instances).Select(_ => bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = Short }))];
        foreach (Task<JsonElement> call in calls)
            await Assert.ThrowsAsync<BusTimeoutException>(() => call.Soon());
        JsonElement[] seen = await Task.WhenAll(Enumerable.Range(0, instances).Select(i => bus.RequestAsync("seen", null, new() { SessionId = $"s{i}" }))).Soon();
        string all = string.Concat(seen.Select(lines => lines.GetRawText()));
        Assert.True(seen.All(lines => lines.GetArrayLength() > 0), all);
        Assert.Contains("timed out", all, StringComparison.Ordinal);
        await Settled(bus);
    }

    [Fact(DisplayName = "A request to a worker that never reads times out and the bus stays usable")]
    public async Task A_worker_that_never_reads_times_out()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("deaf", 1, "never-reads"), TestWorkers.Pool("good"));
        await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("echo", null, new() { Pool = "deaf", Timeout = Short }).Soon());
        Assert.Equal(1, (await bus.RequestAsync("echo", new { a = 1 }, new() { Pool = "good" }).Soon()).GetProperty("a").GetInt32());
        await bus.StopAsync(TimeSpan.FromSeconds(1)).Soon();
    }

    private static Task Settled(Bus bus) => Waiting.Until(() => bus.PendingCount == 0 && bus.KernelPendingCount == 0, "nothing is pending, here and in the kernel");
}
