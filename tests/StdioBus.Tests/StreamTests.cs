using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Streams of real workers: live, in order, apart, and gone when they end.</summary>
public sealed class StreamTests
{
    [Fact(DisplayName = "A15: the first chunk is there while the worker waits to be told to write the second")]
    public async Task The_first_chunk_is_seen_before_the_second_is_written()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("hold", new { key = "s", sessionId = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        await Emit(bus, Chunk("s", "one"));
        Assert.True(await first.Soon());
        Assert.Equal((StreamEventType.Chunk, "one", "one", 1, "s"), (events.Current.Type, events.Current.Text, events.Current.Data, events.Current.Sequence, events.Current.SessionId));
        await Emit(bus, Chunk("s", " two"), """{"jsonrpc":"2.0","id":$(s),"result":{"done":true,"text":"x"}}""");
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal(" two", events.Current.Text);
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal((StreamEventType.Result, null, 3), (events.Current.Type, events.Current.Text, events.Current.Sequence));
        Assert.Equal("""{"done":true,"text":"one two"}""", ((JsonElement)events.Current.Result!).GetRawText());
        Assert.False(await events.MoveNextAsync().Soon());
        Assert.Equal((0, 0), (bus.PendingCount, bus.KernelPendingCount));
    }

    [Fact(DisplayName = "A15: a plain request returns the same final object as the stream")]
    public async Task A_plain_request_returns_the_same_object()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        JsonElement plain = await bus.RequestAsync("stream", new { count = 3 }).Soon();
        List<StreamEvent> events = await bus.StreamRequestAsync("stream", new { count = 3 }).ToListAsync().Soon();
        Assert.Equal(plain.GetRawText(), ((JsonElement)events[^1].Result!).GetRawText());
        Assert.Equal("""{"chunks":3,"text":"chunk1 chunk2 chunk3 "}""", plain.GetRawText());
        RawJson raw = await bus.RequestRawAsync("stream", new RawJson("""{"count":1}""")).Soon();
        Assert.Equal("""{"chunks":1,"text":"chunk1 "}""", raw.ToString());
    }

    [Fact(DisplayName = "A15: no chunks, one result without text; an empty chunk is none; results that are no objects stay")]
    public async Task Results_without_chunks_stay()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        StreamEvent only = Assert.Single(await bus.StreamRequestAsync("echo", new { a = 1 }).ToListAsync().Soon());
        Assert.Equal("""{"a":1}""", only.Raw);
        Assert.Equal("{\"a\":1}", (await Answered(bus, "{\"a\":1}", "")).Single().Raw);
        Assert.Equal("[1]", (await Answered(bus, "[1]", "text"))[^1].Raw);
        Assert.Equal("null", (await Answered(bus, "null", "text"))[^1].Raw);
    }

    [Fact(DisplayName = "Each kind of update is its own kind of event, its data made by the reader")]
    public async Task Each_kind_of_update_is_its_event()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("hold", new { key = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        string[] kinds = ["agent_thought_chunk", "tool_call", "tool_call_update", "plan", "available_commands_update"];
        string[] updates = [.. kinds.Select(kind => $$$$$"""{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"{{{{{kind}}}}}","content":{"text":"t"}}}}""")];
        await EmitNotification(bus, [.. updates, """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}""", """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}""", """{"jsonrpc":"2.0","method":"other"}""", """{"jsonrpc":"2.0","id":$(s),"result":5}"""]);
        Assert.True(await first.Soon());
        var seen = new List<StreamEvent> { events.Current };
        while (await events.MoveNextAsync().Soon())
            seen.Add(events.Current);
        Assert.Equal(
            [StreamEventType.Thought, StreamEventType.ToolCall, StreamEventType.ToolCallUpdate, StreamEventType.Plan, StreamEventType.Update, StreamEventType.Progress, StreamEventType.Log, StreamEventType.Update, StreamEventType.Result],
            seen.Select(e => e.Type));
        Assert.Equal("t", seen[0].Text);
        Assert.Equal("tool_call", ((JsonElement)seen[1].Data!).GetProperty("sessionUpdate").GetString());
        Assert.Equal(1, ((JsonElement)seen[5].Data!).GetProperty("progress").GetInt32());
        Assert.Null(seen[7].Data);
        Assert.Equal("""{"jsonrpc":"2.0","method":"other"}""", seen[7].Raw);
    }

    [Theory(DisplayName = "A18, L11: 50 streams at once on one worker and on four: no text crosses")]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Fifty_streams_do_not_cross(int instances)
    {
        await using Bus bus = await TestWorkers.StartAsync(instances);
        Task<List<StreamEvent>>[] streams = [.. Enumerable.Range(0, 50).Select(i => bus.StreamRequestAsync("stream", new { sessionId = $"s{i}", count = 40, text = $"[{i}]" }).ToListAsync())];
        Task<JsonElement>[] plain = [.. Enumerable.Range(0, 50).Select(i => bus.RequestAsync("stream", new { sessionId = $"p{i}", count = 5, text = $"({i})" }))];
        for (int i = 0; i < 50; i++)
        {
            List<StreamEvent> events = await streams[i].Soon();
            Assert.Equal(Enumerable.Range(1, 40).Select(n => $"[{i}]{n} "), events.SkipLast(1).Select(e => e.Text));
            Assert.Equal(StreamEventType.Result, events[^1].Type);
            Assert.Equal(string.Concat(Enumerable.Range(1, 5).Select(n => $"({i}){n} ")), (await plain[i].Soon()).GetProperty("text").GetString());
        }

        Assert.Equal((0, 0L), (bus.PendingCount, bus.Statistics.AmbiguousChunks));
    }

    [Fact(DisplayName = "A18: SingleStream refuses a second stream, and allows the next one")]
    public async Task SingleStream_refuses_a_second()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.SingleStream = true;
        await using Bus bus = await TestWorkers.StartAsync(options);
        await using (IAsyncEnumerator<StreamEvent> running = bus.StreamRequestAsync("hold", new { key = "s" }).GetAsyncEnumerator())
        {
            Task<bool> first = running.MoveNextAsync().AsTask();
            await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.StreamRequestAsync("stream").ToListAsync());
            await bus.RequestAsync("echo").Soon();
            await EmitNotification(bus, """{"jsonrpc":"2.0","id":$(s),"result":1}""");
            Assert.True(await first.Soon());
        }

        Assert.Equal(4, (await bus.StreamRequestAsync("stream", new { count = 3 }).ToListAsync().Soon()).Count);
    }

    [Fact(DisplayName = "A16, A17: an error answer comes after the chunks before it, and nothing is left")]
    public async Task An_error_comes_after_its_chunks()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("hold", new { key = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        await EmitNotification(bus, Chunk("x", "a").Replace("\"sessionId\":\"x\",", "", StringComparison.Ordinal), """{"jsonrpc":"2.0","id":$(s),"error":{"code":3,"message":"m"}}""");
        Assert.True(await first.Soon());
        Assert.Equal("a", events.Current.Text);
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => events.MoveNextAsync().Soon());
        Assert.Equal((3, "m"), (error.RpcCode, error.Message));
        await Settled(bus);
    }

    [Fact(DisplayName = "A16, A17, L7: a worker's exit comes after its chunks, at once, with code and stderr")]
    public async Task A_workers_exit_comes_after_its_chunks()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("hold", new { key = "s", sessionId = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        await Emit(bus, Chunk("s", "last words"));
        await bus.NotifyAsync("exit", new { code = 7, stderr = "out of coffee" }).Soon();
        Assert.True(await first.Soon());
        var error = await Assert.ThrowsAsync<BusTransportException>(() => events.MoveNextAsync().Soon());
        Assert.Contains("7", error.Message, StringComparison.Ordinal);
        Assert.Contains("out of coffee", error.Details, StringComparison.Ordinal);
        Assert.Equal(("test", 0, true), (error.Pool, error.WorkerId, error.IsWorkerExit));
        await Settled(bus);
    }

    [Fact(DisplayName = "A16: leaving a stream early, and cancelling it, leave nothing behind")]
    public async Task Leaving_leaves_nothing()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await foreach (StreamEvent first in bus.StreamRequestAsync("stream", new { count = 1000, sessionId = "a" }))
        {
            Assert.Equal("chunk1 ", first.Text);
            break;
        }

        Assert.Equal(0, bus.PendingCount);
        using var cancelling = new CancellationTokenSource();
        Task<List<StreamEvent>> cancelled = bus.StreamRequestAsync("hold", new { key = "s" }, null, cancelling.Token).ToListAsync();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        await Settled(bus);
    }

    [Fact(DisplayName = "A16, A17: stop during a stream is a TransportError after its chunks")]
    public async Task Stop_during_a_stream_is_a_transport_error()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("hold", new { key = "s", sessionId = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        await Emit(bus, Chunk("s", "a"));
        await first.Soon();
        Task<bool> next = events.MoveNextAsync().AsTask();
        await bus.StopAsync().Soon();
        await Assert.ThrowsAsync<BusTransportException>(() => next.Soon());
        await Settled(bus);
    }

    [Fact(DisplayName = "A19: a slow consumer bounds the memory, loses nothing, and leaves other workers alone")]
    public async Task A_slow_consumer_is_waited_for()
    {
        const int Count = 30_000;
        BusOptions options = TestWorkers.Options(TestWorkers.Pool("slow"), TestWorkers.Pool("other"));
        options.StreamQueue = 64;
        options.StreamOverflowBytes = 16 << 20;
        await using Bus bus = await TestWorkers.StartAsync(options);
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("stream", new { count = Count, size = 2000 }, new() { Pool = "slow", Timeout = TimeSpan.FromMilliseconds(30_000) }).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().Soon());
        await Waiting.Until(() => bus.GetWorkers()[0].IsPaused, "the slow stream's worker is paused");
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }, new() { Pool = "other" }).Soon()).GetRawText());
        Assert.False(bus.GetWorkers()[1].IsPaused);
        int chunks = 1;
        while (await events.MoveNextAsync().Soon())
            chunks += events.Current.Type == StreamEventType.Chunk ? 1 : 0;
        Assert.Equal(Count, chunks);
        Assert.False(bus.GetWorkers()[0].IsPaused);
        await Settled(bus);
    }

    [Fact(DisplayName = "A19: large events of a slow stream pause its worker long before there are many of them, and none is lost")]
    public async Task Large_events_pause_the_worker()
    {
        const int Count = 300;
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.StreamOverflowBytes = 1 << 20;
        await using Bus bus = await TestWorkers.StartAsync(options);
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("stream", new { count = Count, size = 100_000 }).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().Soon());
        await Waiting.Until(() => bus.PendingCount == 0 || bus.GetWorkers()[0].IsPaused, "the worker is paused");
        int chunks = 1;
        while (await events.MoveNextAsync().Soon())
            chunks += events.Current.Type == StreamEventType.Chunk ? 1 : 0;
        Assert.Equal(Count, chunks);
        Assert.False(bus.GetWorkers()[0].IsPaused);
    }

    [Fact(DisplayName = "A request to the worker of a slow stream is answered: a stream never blocks the calls beside it")]
    public async Task A_request_beside_a_slow_stream_is_answered()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.StreamQueue = 16;
        await using Bus bus = await TestWorkers.StartAsync(options);
        int chunks = 0;
        await foreach (StreamEvent next in bus.StreamRequestAsync("stream", new { sessionId = "s", count = 2000, size = 500 }))
        {
            if (next.Type != StreamEventType.Chunk)
                continue;
            chunks++;
            if (chunks % 100 == 1)
                Assert.Equal(chunks, (await bus.RequestAsync("echo", new { chunks, sessionId = "r" }).Soon()).GetProperty("chunks").GetInt32());
        }

        Assert.Equal(2000, chunks);
    }

    [Fact(DisplayName = "A stream that can neither be read nor paused fails alone, at its limit, after what it holds")]
    public async Task A_stream_over_its_limit_fails_alone()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.StreamQueue = 16;
        options.StreamOverflowBytes = 100_000;
        await using Bus bus = await TestWorkers.StartAsync(options);
        Task<JsonElement> beside = bus.RequestAsync("hold", new { key = "k", sessionId = "k" });
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("stream", new { sessionId = "s", count = 1000, size = 1000 }).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().Soon());
        await Waiting.Until(() => bus.PendingCount == 1, "the stream is given up");
        int chunks = 1;
        var error = await Assert.ThrowsAsync<BusResourceException>(async () =>
        {
            while (await events.MoveNextAsync().Soon())
                chunks++;
        });
        Assert.Contains("StreamOverflowBytes", error.Message, StringComparison.Ordinal);
        Assert.InRange(chunks, 80, 110);
        await EmitNotification(bus, """{"jsonrpc":"2.0","id":$(k),"result":{}}""");
        Assert.Equal("{}", (await beside.Soon()).GetRawText());
    }

    [Fact(DisplayName = "OnProgress is called for each notification of its call, in order, before the call ends")]
    public async Task OnProgress_is_called_in_order()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var seen = new List<int>();
        var options = new RequestOptions { OnProgress = n => seen.Add(((JsonElement)n.Params!).GetProperty("n").GetInt32()) };
        await bus.RequestAsync("flood", new { method = "tick", count = 500 }, options).Soon();
        Assert.Equal(Enumerable.Range(1, 500), seen);
        var throwing = new RequestOptions { OnProgress = _ => throw new InvalidOperationException("the callback's own") };
        await bus.RequestAsync("flood", new { method = "tick", count = 1 }, throwing).Soon();
        Assert.Contains(bus.GetLog(), entry => entry.Text.Contains("the callback's own", StringComparison.Ordinal));
    }

    private static string Chunk(string session, string text) =>
        $$$$$"""{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"{{{{{session}}}}}","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"{{{{{text}}}}}"}}}}""";

    private static async Task Emit(Bus bus, params string[] lines) => await bus.RequestAsync("emit", new { lines }).Soon();

    private static Task EmitNotification(Bus bus, params string[] lines) => bus.NotifyAsync("emit", new { lines }).Soon();

    private static async Task<List<StreamEvent>> Answered(Bus bus, string result, string chunk)
    {
        Task<List<StreamEvent>> events = bus.StreamRequestAsync("hold", new { key = "k", sessionId = "s" }).ToListAsync();
        await EmitNotification(bus, Chunk("s", chunk), $$"""{"jsonrpc":"2.0","id":$(k),"result":{{result}}}""");
        return await events.Soon();
    }

    private static Task Settled(Bus bus) => Waiting.Until(() => bus.PendingCount == 0 && bus.KernelPendingCount == 0, "nothing is pending, here and in the kernel");
}
