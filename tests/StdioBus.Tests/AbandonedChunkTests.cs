using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a worker still says of a request that was given up belongs to no later one, for as long as that can be told.</summary>
public sealed class AbandonedChunkTests
{
    private static readonly BusPool One = new("p", "unused") { Dialect = Dialect.Plain };
    private static readonly BusPool Two = new("p", "unused", null, 2) { Dialect = Dialect.Plain };

    [Theory(DisplayName = "A18: until a request that was given up is over, what names none is its own; then the next one's")]
    [InlineData(Over.Answered)]
    [InlineData(Over.Settled)]
    [InlineData(Over.Refused)]
    public async Task Until_it_is_over_it_has_its_chunks(Over over)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        string left = await LeaveAsync(bus, backend);
        Task<List<StreamEvent>> next = bus.StreamRequestAsync("m").ToListAsync();
        string id = backend.TakeId();
        backend.Chunk("late");
        backend.Chunk("later");
        switch (over)
        {
            case Over.Answered:
                backend.Answer(left, "{}");
                break;
            case Over.Settled:
                backend.Settle(left);
                break;
            case Over.Refused:
                backend.Refuse(left, new BusResourceException("refused"));
                break;
        }

        backend.Chunk("mine");
        backend.Answer(id, "{}");
        Assert.Equal(["mine", null], (await next.Soon()).Select(e => e.Text));
        Assert.Equal((2, 0), (bus.Statistics.DroppedNotifications, bus.Statistics.AmbiguousChunks));
        Assert.Equal($"Worker 0 has not answered 'left', which was given up: what it sends that may be of that one is kept from the requests after it.", Assert.Single(bus.GetLog()).Text);
    }

    [Fact(DisplayName = "A18: a request with a session, a token or an id that is named is not affected, nor is one on another worker")]
    public async Task Others_are_not_affected()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        string left = await LeaveAsync(bus, backend);
        backend.Place(left, 0);
        Task<JsonElement>[] calls =
        [
            bus.RequestAsync("m", new { sessionId = "s" }),
            bus.RequestAsync("m", new { _meta = new { progressToken = "t" } }),
            bus.RequestAsync("m"),
            bus.RequestAsync("m"),
        ];
        string[] ids = [.. calls.Select(_ => backend.TakeId())];
        for (int i = 0; i < 4; i++)
            backend.Place(ids[i], i == 3 ? 1 : 0);
        backend.Chunk("late");
        backend.Chunk("0", "\"sessionId\":\"s\",");
        backend.Chunk("1", "\"progressToken\":\"t\",");
        backend.Chunk("2", $"\"requestId\":{ids[2]},");
        backend.Chunk("3", worker: 1);
        for (int i = 0; i < 4; i++)
            backend.Answer(ids[i], "{}");
        Assert.Equal(["0", "1", "2", "3"], (await Task.WhenAll(calls).Soon()).Select(result => result.GetProperty("text").GetString()));
        Assert.Equal((1, 0), (bus.Statistics.DroppedNotifications, bus.Statistics.AmbiguousChunks));
    }

    [Fact(DisplayName = "A18: a prompt of an agent's session gets nothing of the one before it that was cancelled and is not answered yet")]
    public async Task A_session_is_the_cancelled_prompts_until_it_is_answered()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused") { Dialect = Dialect.Acp }));
        await using var _ = bus;
        string left = await LeaveAsync(bus, backend, "session/prompt", new { sessionId = "s" });
        Assert.Contains("session/cancel", backend.GivenUp.Single().Notice, StringComparison.Ordinal);
        Task<JsonElement> next = bus.RequestAsync("session/prompt", new { sessionId = "s" }), other = bus.RequestAsync("session/prompt", new { sessionId = "o" });
        (string id, string otherId) = (backend.TakeId(), backend.TakeId());
        backend.Chunk("late", "\"sessionId\":\"s\",");
        backend.Chunk("other", "\"sessionId\":\"o\",");
        backend.Answer(left, """{"stopReason":"cancelled"}""");
        backend.Chunk("mine", "\"sessionId\":\"s\",");
        backend.Answer(id, "{}");
        backend.Answer(otherId, "{}");
        Assert.Equal("mine", (await next.Soon()).GetProperty("text").GetString());
        Assert.Equal("other", (await other.Soon()).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "A18: an MCP worker that was told to leave a request owes no answer, and is not waited for")]
    public async Task What_mcp_workers_were_told_to_leave_is_over()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused") { Dialect = Dialect.Mcp }));
        await using var _ = bus;
        await LeaveAsync(bus, backend);
        Task<JsonElement> next = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Chunk("mine");
        backend.Answer(id, "{}");
        Assert.Equal("mine", (await next.Soon()).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "A18: an older stream goes on as before, and its guess is counted; subscriptions have everything")]
    public async Task An_older_stream_goes_on()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        using BusSubscription all = bus.Subscribe();
        Task<JsonElement> older = bus.RequestAsync("m");
        string id = backend.TakeId();
        string left = await LeaveAsync(bus, backend);
        backend.Chunk("a");
        backend.Answer(id, "{}");
        backend.Chunk("b");
        backend.Answer(left, "{}");
        Assert.Equal("a", (await older.Soon()).GetProperty("text").GetString());
        Assert.Equal((0, 2, 1), (bus.Statistics.DroppedNotifications, all.Count, bus.Statistics.AmbiguousChunks));
        Assert.Empty(bus.GetLog());
    }

    [Fact(DisplayName = "A18: a worker whose place is not known yet may be any of its pool's; a request that the kernel does not have says nothing")]
    public async Task The_worker_may_be_any_of_the_pool()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two, new BusPool("q", "unused")));
        await using var _ = bus;
        string left = await LeaveAsync(bus, backend, options: new() { Pool = "p" });
        Task<JsonElement> next = bus.RequestAsync("m", null, new() { Pool = "p" }), other = bus.RequestAsync("m", null, new() { Pool = "q" });
        (string id, string otherId) = (backend.TakeId(), backend.TakeId());
        backend.Place(id, 1);
        backend.Chunk("late", worker: 1);
        backend.Chunk("other", worker: 2);
        backend.Place(left, 0);
        backend.Chunk("mine", worker: 1);
        backend.Change(0, WorkerEvent.Restarting);
        backend.Chunk("late", worker: 1);
        backend.Answer(id, "{}", 1);
        backend.Answer(otherId, "{}", 2);
        Assert.Equal("mine", (await next.Soon()).GetProperty("text").GetString());
        Assert.Equal("other", (await other.Soon()).GetProperty("text").GetString());
    }

    [Theory(DisplayName = "A18: a worker that never answers what was given up silences the next ones for 30 s, and not after, unless it speaks when nobody else waits")]
    [InlineData(29_999, false)]
    [InlineData(30_000, true)]
    public void A_worker_that_never_answers_is_not_waited_for_ever(long silence, bool isOver)
    {
        long now = 1000;
        var pool = new PoolInfo(One, 0, 0);
        var table = new CallTable(new CallIds(), [pool], () => now);
        var completions = new Completions(new FakeBackend());
        Assert.True(table.Abandon(Enter(1), isMinded: true, isTold: false));
        now += 50_000;
        Assert.Equal((null, false, null), Owner());
        PendingCall next = Enter(2);
        now += silence;
        Assert.Equal(isOver ? (next, true, null) : (next, false, 1L), Owner());
        Assert.Equal(isOver ? (next, true, null) : (next, false, 1L), Owner());

        // One more, which holds back whatever becomes of the first.
        Assert.True(table.Abandon(next, isMinded: true, isTold: false));
        next = Enter(3);
        Assert.Equal((next, false, isOver ? 2L : 1L), Owner());
        table.Settle(1);
        Assert.Equal((next, false, 2L), Owner());
        table.Settle(2);
        Assert.Equal((next, false, null), Owner());

        PendingCall Enter(long id)
        {
            var call = new RawCall { Completions = completions, Id = id };
            call.SetPool(pool, null);
            Assert.True(table.Add(call, onlyStream: false, out _));
            table.Place(id, -1);
            return call;
        }

        (PendingCall? Owner, bool IsAmbiguous, long? Abandoned) Owner()
        {
            PendingCall? owner = table.FindOwner(new IncomingNotification { Json = "{}"u8, WorkerId = 0 }, null, null, out bool ambiguous, out AbandonedCall? abandoned);
            return (owner, ambiguous, abandoned?.Id);
        }
    }

    [Theory(DisplayName = "A18: a worker that answers later requests and not the one that was given up has left it, if it was told of it or never spoke of it")]
    [InlineData(Dialect.Plain, false, true, false)]
    [InlineData(Dialect.Plain, false, false, false)]
    [InlineData(Dialect.Plain, true, true, true)]
    [InlineData(Dialect.JsonRpcCancel, true, true, false)]
    [InlineData(Dialect.JsonRpcCancel, false, false, true)]
    public async Task A_worker_that_answers_later_requests_has_left_it(Dialect dialect, bool speaks, bool otherIsSentAfterwards, bool holdsBack)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused") { Dialect = dialect }));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> left = bus.RequestAsync("left", null, null, cancelling.Token);
        backend.TakeId();
        if (speaks)
            backend.Chunk("first");
        Task<JsonElement>? other = otherIsSentAfterwards ? null : bus.RequestAsync("m");
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left.Soon());
        other ??= bus.RequestAsync("m");
        backend.Answer(backend.TakeId(), "{}");
        await other.Soon();
        Task<JsonElement> next = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Chunk("c");
        backend.Answer(id, "{}");
        Assert.Equal(holdsBack ? "{}" : """{"text":"c"}""", (await next.Soon()).GetRawText());
        Assert.Equal(holdsBack ? (1, 0) : (0, 1), (bus.Statistics.DroppedNotifications, bus.Statistics.AmbiguousChunks));
    }

    [Fact(DisplayName = "A18: of more than 1,024 that a pool does not answer the oldest are not minded; the end of a connection ends all")]
    public async Task Not_more_are_minded_than_the_kernel_keeps()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        string[] left = new string[AbandonedCalls.Most + 1];
        for (int i = 0; i < left.Length; i++)
            left[i] = await LeaveAsync(bus, backend);
        for (int i = 1; i < left.Length; i++)
            backend.Settle(left[i]);
        Task<JsonElement> next = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Chunk("mine");
        backend.Answer(id, "{}");
        Assert.Equal("mine", (await next.Soon()).GetProperty("text").GetString());
    }

    // Each number of a script is one thing that happens.
    [Fact(DisplayName = "A18: with a worker that serves one at a time no stream ever has a chunk of another, whichever are given up and when")]
    public void A_worker_that_serves_one_at_a_time_is_never_mistaken() =>
        Prop.ForAll(Arb.From(Gen.Choose(0, 9999).ArrayOf()), script => PlayAsync(script).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(80));

    private static async Task PlayAsync(int[] script)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        var calls = new List<(string Id, CancellationTokenSource Cancelling, Task<List<StreamEvent>> Events, List<string> Said)>();
        int served = 0;
        foreach (int number in script)
        {
            switch (number % 5)
            {
                case 0:
                    var cancelling = new CancellationTokenSource();
                    Task<List<StreamEvent>> events = bus.StreamRequestAsync("m", null, new() { IdleTimeout = Timeout.InfiniteTimeSpan }, cancelling.Token).ToListAsync();
                    calls.Add((backend.TakeId(), cancelling, events, []));
                    break;
                case 1 when calls.Count > 0:
                    calls[number / 5 % calls.Count].Cancelling.Cancel();
                    break;
                case 2 when served < calls.Count:
                    backend.Answer(calls[served++].Id, "{}");
                    break;
                case > 2 when served < calls.Count:
                    string text = $"[{served}.{number}]";
                    if (!calls[served].Cancelling.IsCancellationRequested)
                        calls[served].Said.Add(text);
                    backend.Chunk(text);
                    break;
            }
        }

        while (served < calls.Count)
            backend.Answer(calls[served++].Id, "{}");
        foreach ((string _, CancellationTokenSource cancelling, Task<List<StreamEvent>> events, List<string> said) in calls)
        {
            await events.ContinueWith(_ => { }, TaskScheduler.Default).Soon();
            if (events.IsCompletedSuccessfully)
                Assert.Equal(said, (await events).SkipLast(1).Select(e => e.Text!));
            else
                Assert.True(cancelling.IsCancellationRequested);
        }
    }

    // Sends a request and gives it up; its id.
    private static async Task<string> LeaveAsync(Bus bus, FakeBackend backend, string method = "left", object? parameters = null, RequestOptions? options = null)
    {
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> call = bus.RequestAsync(method, parameters, options, cancelling.Token);
        string id = backend.TakeId();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        return id;
    }

    /// <summary>How the end of a request that was given up shows.</summary>
    public enum Over
    {
        Answered,
        Settled,
        Refused,
    }
}
