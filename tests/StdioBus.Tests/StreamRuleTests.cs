using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a stream makes of what comes, on a backend whose order the test decides.</summary>
public sealed class StreamRuleTests
{
    private static readonly BusPool Pool = new("p", "unused") { Dialect = Dialect.Mcp };

    [Theory(DisplayName = "A chunk or a thought has a text; an update of any other content, and any other kind, is an Update with its object")]
    [InlineData("agent_message_chunk", """{"type":"text","text":"t"}""", StreamEventType.Chunk, "t")]
    [InlineData("agent_thought_chunk", """{"type":"text","text":"t"}""", StreamEventType.Thought, "t")]
    [InlineData("agent_message_chunk", """{"type":"image","data":"x"}""", StreamEventType.Update, null)]
    [InlineData("agent_message_chunk", """{"type":"text","text":5}""", StreamEventType.Update, null)]
    [InlineData("user_message_chunk", """{"type":"text","text":"t"}""", StreamEventType.Update, null)]
    [InlineData("tool_call", "[]", StreamEventType.ToolCall, null)]
    [InlineData("tool_call_update", "[]", StreamEventType.ToolCallUpdate, null)]
    [InlineData("plan", "null", StreamEventType.Plan, null)]
    [InlineData("current_mode_update", "null", StreamEventType.Update, null)]
    public async Task Each_kind_of_update_is_its_event(string kind, string content, StreamEventType expected, string? text)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        Task<List<StreamEvent>> stream = bus.StreamRequestAsync("m", new { sessionId = "s" }).ToListAsync();
        string id = backend.TakeId();
        backend.Receive($$$$$"""{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"{{{{{kind}}}}}","content":{{{{{content}}}}}}}}""");
        backend.Answer(id, "{}");
        List<StreamEvent> events = await stream.Soon();
        Assert.Equal([expected, StreamEventType.Result], events.Select(e => e.Type));
        Assert.Equal(text, events[0].Text);
        if (text is null)
            Assert.Equal(kind, ((JsonElement)events[0].Data!).GetProperty("sessionUpdate").GetString());
        Assert.Equal(expected == StreamEventType.Chunk ? """{"text":"t"}""" : "{}", events[1].Raw);
        Assert.Equal([1, 2], events.Select(e => e.Sequence));
        Assert.Equal(["s", "s"], events.Select(e => e.SessionId));
    }

    [Fact(DisplayName = "A15, A36: half an emoji a chunk: each chunk keeps its half, and the result has the whole")]
    public async Task Half_an_emoji_a_chunk()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        Task<List<StreamEvent>> stream = bus.StreamRequestAsync("m").ToListAsync();
        string id = backend.TakeId();
        backend.Chunk("""a\ud83d""");
        backend.Chunk("""\ude00b""");
        backend.Answer(id, """{"text":"x"}""");
        List<StreamEvent> events = await stream.Soon();
        Assert.Equal(["a\ud83d", "\ude00b"], events.SkipLast(1).Select(e => e.Text));
        Assert.Equal("a😀b", ((JsonElement)events[^1].Result!).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "A16, L24: leaving a stream, and cancelling it, are told to the worker")]
    public async Task Leaving_is_told_to_the_worker()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        string left = "";
        await foreach (StreamEvent first in Fed())
        {
            Assert.Equal("a", first.Text);
            break;
        }

        Assert.Equal($$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{left}}},"reason":"the consumer left the stream"}}""", backend.GivenUp.Single().Notice);
        using var cancelling = new CancellationTokenSource();
        Task<List<StreamEvent>> cancelled = bus.StreamRequestAsync("m", null, null, cancelling.Token).ToListAsync();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        Assert.Equal((2, 0), (backend.GivenUp.Count, bus.PendingCount));
        Assert.Contains("cancelled by the caller", backend.GivenUp.Last().Notice, StringComparison.Ordinal);

        IAsyncEnumerable<StreamEvent> Fed()
        {
            IAsyncEnumerable<StreamEvent> stream = bus.StreamRequestAsync("m");
            return Feed(stream);
        }

        async IAsyncEnumerable<StreamEvent> Feed(IAsyncEnumerable<StreamEvent> stream)
        {
            await using IAsyncEnumerator<StreamEvent> events = stream.GetAsyncEnumerator();
            ValueTask<bool> first = events.MoveNextAsync();
            left = backend.TakeId();
            backend.Chunk("a");
            while (await first)
            {
                yield return events.Current;
                first = events.MoveNextAsync();
            }
        }
    }

    [Fact(DisplayName = "A stream is sent when its enumeration begins, not before; what is wrong with it is thrown there")]
    public async Task A_stream_is_sent_when_its_enumeration_begins()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        IAsyncEnumerable<StreamEvent> stream = bus.StreamRequestAsync("m", 5);
        Assert.Empty(backend.Sent);
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => stream.ToListAsync());
        Assert.Equal((0, 0), (backend.Sent.Count, bus.PendingCount));
    }

    [Fact(DisplayName = "A session in common goes before a token, a token tells calls of one session apart, and a session in a message's top level before one in its params")]
    public async Task The_rules_have_their_order()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        Task<JsonElement> a1 = bus.RequestAsync("m", new { sessionId = "A", _meta = new { progressToken = "t1" } });
        Task<JsonElement> a2 = bus.RequestAsync("m", new { sessionId = "A", _meta = new { progressToken = "t2" } });
        Task<JsonElement> b = bus.RequestAsync("m", new { sessionId = "B", _meta = new { progressToken = "t3" } });
        string[] ids = [backend.TakeId(), backend.TakeId(), backend.TakeId()];
        backend.Chunk("2", "\"sessionId\":\"A\",\"progressToken\":\"t2\",");
        backend.Chunk("1", "\"sessionId\":\"A\",\"progressToken\":\"t1\",");
        backend.Chunk("1", "\"sessionId\":\"A\",\"progressToken\":\"t3\",");
        backend.Receive("""{"sessionId":"B","method":"session/update","params":{"sessionId":"A","update":{"sessionUpdate":"agent_message_chunk","content":{"text":"b"}}}}""");
        backend.Chunk("b", "\"progressToken\":\"t3\",\"requestId\":" + ids[0] + ",");
        foreach (string id in ids)
            backend.Answer(id, "{}");
        Assert.Equal(["11", "2", "bb"], (await Task.WhenAll(a1, a2, b).Soon()).Select(result => result.GetProperty("text").GetString()));
        Assert.Equal(1, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "A stream that is cancelled while its consumer is elsewhere is given up at once, and has its events before the cancellation")]
    public async Task A_cancelled_stream_is_given_up_at_once()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", null, null, cancelling.Token).GetAsyncEnumerator();
        ValueTask<bool> first = events.MoveNextAsync();
        backend.Chunk("a");
        backend.Chunk("b");
        Assert.True(await first.Soon());
        await cancelling.CancelAsync();
        Assert.Equal((0, 1), (bus.PendingCount, backend.GivenUp.Count));
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal("b", events.Current.Text);
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => events.MoveNextAsync().Soon());
        Assert.Equal(cancelling.Token, error.CancellationToken);
    }

    [Fact(DisplayName = "A19: a stream is full by its bytes too: alone on its worker it pauses that one, whatever comes still, and is relieved once it holds little")]
    public async Task A_stream_is_full_by_bytes()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(Slow(Pool, queue: 1000, bytes: 100_000));
        await using var _ = bus;
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", new { sessionId = "s" }).GetAsyncEnumerator();
        ValueTask<bool> first = events.MoveNextAsync();
        string id = backend.TakeId();
        Feed(backend, 60);
        Assert.Equal([(0, PauseReasons.Stream, true)], backend.Pauses);

        // What had left the worker before is within no limit: it is all that comes.
        Feed(backend, 60);
        Assert.True(await first.Soon());
        int seen = 1;
        for (; backend.Pauses.Count == 1; seen++)
            Assert.True(await events.MoveNextAsync().Soon());
        Assert.InRange(seen, 90, 110);
        Assert.Equal((0, PauseReasons.Stream, false), backend.Pauses.Last());
        backend.Answer(id, "{}");
        for (; events.Current.Type == StreamEventType.Chunk; seen++)
            Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal((121, StreamEventType.Result, 2), (seen, events.Current.Type, backend.Pauses.Count));
    }

    [Fact(DisplayName = "A stream that is over its limit goes on while its worker is paused, and fails with the next event when a call makes it be read")]
    public async Task The_limit_is_for_workers_that_are_read()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(Slow(Pool, queue: 1000, bytes: 100_000));
        await using var _ = bus;
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", new { sessionId = "s" }).GetAsyncEnumerator();
        ValueTask<bool> first = events.MoveNextAsync();
        Feed(backend, 120);
        Task<JsonElement> beside = bus.RequestAsync("m");
        Assert.Equal((2, (0, PauseReasons.Stream, false)), (bus.PendingCount, backend.Pauses.Last()));
        Feed(backend, 1);
        Assert.Equal(1, bus.PendingCount);
        Assert.False(beside.IsCompleted);
        Assert.True(await first.Soon());
        for (int i = 1; i < 121; i++)
            Assert.True(await events.MoveNextAsync().Soon());
        var error = await Assert.ThrowsAsync<BusResourceException>(() => events.MoveNextAsync().Soon());
        Assert.Contains("another call waits on it", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A request makes the paused workers of its pool be read until it is known which one has it, and no longer")]
    public async Task A_request_placed_elsewhere_leaves_the_pause()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(Slow(new BusPool("p", "unused", null, 2), queue: 10, bytes: 100_000));
        await using var _ = bus;
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", new { sessionId = "s" }).GetAsyncEnumerator();
        ValueTask<bool> first = events.MoveNextAsync();
        backend.TakeId();

        // The consumer waits for the first, and takes it when it likes; after it the queue has all that comes.
        Feed(backend, 1);
        Assert.True(await first.Soon());
        Feed(backend, 10);
        Task<JsonElement> beside = bus.RequestAsync("m");
        string id = backend.TakeId();
        Assert.Equal([true, false], backend.Pauses.Select(pause => pause.Paused));
        backend.Place(id, 1);
        Assert.Equal([true, false, true], backend.Pauses.Select(pause => pause.Paused));
        backend.Answer(id, "{}", worker: 1);
        await beside.Soon();
        Assert.Equal(3, backend.Pauses.Count);
    }

    private static BusOptions Slow(BusPool pool, int queue, long bytes)
    {
        BusOptions options = TestWorkers.Options(pool);
        (options.StreamQueue, options.StreamOverflowBytes) = (queue, bytes);
        return options;
    }

    // Chunks of a kilobyte.
    private static void Feed(FakeBackend backend, int count)
    {
        for (int i = 0; i < count; i++)
            backend.Chunk(new string('x', 875), "\"sessionId\":\"s\",");
    }
}
