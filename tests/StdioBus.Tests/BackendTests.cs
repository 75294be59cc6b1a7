using System.Diagnostics;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a bus does is the same whichever way it reaches its kernel.</summary>
public sealed class BackendTests
{
    public static TheoryData<string> All => BackendHost.All;

    public static TheoryData<string> Remote => BackendHost.Remote;

    [Theory(DisplayName = "A request is answered, also by a message of 3 MB each way, and counted")]
    [MemberData(nameof(All))]
    public async Task Requests_are_answered(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        Bus bus = host.Bus;
        BusStatistics before = bus.Statistics;
        Assert.Equal("""{"a":[1,"\u00e9"]}""", (await bus.RequestRawAsync("echo", new RawJson("""{"a":[1,"\u00e9"]}""")).Soon()).ToString());
        foreach (int size in new[] { 65_535, 65_536, 65_537, 3_000_000 })
        {
            string text = new('x', size);
            Assert.Equal(text, (await bus.RequestAsync("echo", new { text }).Soon()).GetProperty("text").GetString());
        }

        string wire = (await bus.RequestAsync("wire", new { a = 1 }).Soon()).GetString()!;
        Assert.DoesNotContain("_bus", wire, StringComparison.Ordinal);
        BusStatistics after = bus.Statistics;
        Assert.True(after.BytesIn - before.BytesIn > 6_000_000 && after.MessagesIn - before.MessagesIn >= 12, $"{before} {after}");
        Assert.Equal((0, 0, 1, before.Results + 6), (bus.PendingCount, bus.KernelPendingCount, bus.WorkerCount, after.Results));
    }

    [Theory(DisplayName = "1,000 requests at once on four workers get each their own answer")]
    [MemberData(nameof(All))]
    public async Task Many_requests_keep_apart(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool(instances: 4));
        JsonElement[] answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => host.Bus.RequestAsync("echo", new { i }))).Soon();
        Assert.Equal(Enumerable.Range(0, 1000), answers.Select(answer => answer.GetProperty("i").GetInt32()));
        IReadOnlyList<BusWorker> workers = await host.Bus.GetWorkersAsync().Soon();
        Assert.Equal([(0, "test"), (1, "test"), (2, "test"), (3, "test")], workers.Select(worker => (worker.Id, worker.Pool)));
        Assert.All(workers, worker => Assert.True(worker is { State: WorkerState.Running, ProcessId: > 0, MessagesIn: > 100, MessagesOut: > 100, Pending: 0 } && worker.BusName == host.Bus.Name));
    }

    [Theory(DisplayName = "A stream is live: its first chunk is there while the worker waits to be told to write the second")]
    [MemberData(nameof(All))]
    public async Task A_stream_is_live(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        await using IAsyncEnumerator<StreamEvent> events = host.Bus.StreamRequestAsync("hold", new { key = "s", sessionId = "s" }).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        await EmitAsync(host.Bus, Chunk("one"));
        Assert.True(await first.Soon());
        Assert.Equal("one", events.Current.Text);
        await EmitAsync(host.Bus, Chunk(" two"), """{"jsonrpc":"2.0","id":$(s),"result":{}}""");
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal((StreamEventType.Result, """{"text":"one two"}"""), (events.Current.Type, events.Current.Raw));
        Assert.False(await events.MoveNextAsync().Soon());
    }

    [Theory(DisplayName = "Two streams without a key of their own, on two workers, do not mix")]
    [MemberData(nameof(All))]
    public async Task Streams_side_by_side_do_not_mix(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool(instances: 2));
        Task<List<StreamEvent>>[] streams = [.. Enumerable.Range(0, 2).Select(i => host.Bus.StreamRequestAsync("stream", new { count = 200, text = $"[{i}]" }).ToListAsync())];
        for (int i = 0; i < 2; i++)
            Assert.Equal(Enumerable.Range(1, 200).Select(n => $"[{i}]{n} "), (await streams[i].Soon()).SkipLast(1).Select(e => e.Text));
        Assert.Equal(0, host.Bus.Statistics.AmbiguousChunks);
    }

    [Theory(DisplayName = "A18: what a worker still says of a stream that was left does not reach the next one, until it has answered")]
    [MemberData(nameof(All))]
    public async Task A_stream_that_was_left_keeps_its_chunks(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        await using (IAsyncEnumerator<StreamEvent> left = host.Bus.StreamRequestAsync("hold", new { key = "left" }).GetAsyncEnumerator())
        {
            Task<bool> first = left.MoveNextAsync().AsTask();
            await EmitAsync(host.Bus, PlainChunk("first"));
            Assert.True(await first.Soon());
        }

        Task<List<StreamEvent>> next = host.Bus.StreamRequestAsync("hold", new { key = "next" }).ToListAsync();
        await EmitAsync(host.Bus, PlainChunk("late"), """{"jsonrpc":"2.0","id":$(left),"result":{}}""", PlainChunk("mine"), """{"jsonrpc":"2.0","id":$(next),"result":{}}""");
        List<StreamEvent> events = await next.Soon();
        Assert.Equal(["mine", null], events.Select(e => e.Text));
        Assert.Equal("""{"text":"mine"}""", events[^1].Raw);
        Assert.Equal((1, 1), (host.Bus.Statistics.DroppedNotifications, host.Bus.Statistics.LateReplies));
        Assert.Contains("has not answered 'hold', which was given up", Assert.Single(host.Bus.GetLog(), line => line.Level == BusLogLevel.Warning).Text, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "L21: the first line of a worker that is no message is told, also when nobody listened yet, and those after it are counted")]
    [MemberData(nameof(All))]
    public async Task A_line_that_is_no_message_is_told(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool("talks", 1, "garbage"), TestWorkers.Pool("quiet"));
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await host.Bus.RequestAsync("echo", null, new() { Pool = "talks" }).Soon();
        SkippedLine banner = Assert.Single(host.Bus.SkippedLines.All.ToArray());
        Assert.Equal((0, "not valid JSON"), (banner.WorkerId, banner.Reason));
        Assert.StartsWith("Welcome to the worker!", banner.Text, StringComparison.Ordinal);
        host.Bus.SkippedLines.Added += woken.SetResult;
        await host.Bus.RequestAsync("emit", new { lines = new[] { "[\"é\"]" } }, new() { Pool = "quiet" }).Soon();
        await woken.Task.Soon();
        Assert.Equal([banner, new SkippedLine(1, "not a JSON object", "[\"é\"]")], host.Bus.SkippedLines.All.ToArray());
    }

    [Theory(DisplayName = "A stream whose consumer is slow pauses its worker, loses nothing, and lets the other worker go on")]
    [MemberData(nameof(All))]
    public async Task A_slow_stream_pauses_its_worker(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool("slow"), TestWorkers.Pool("fast"));
        Bus bus = host.Bus;
        const int Count = 60_000; // more than is on the way when the pause takes hold
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("stream", new { count = Count, size = 500 }, new() { Pool = "slow" }).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().Soon());
        await Waiting.Until(() => bus.GetWorkers()[0].IsPaused, "the slow worker is paused");
        await bus.RequestAsync("echo", new { }, new() { Pool = "fast" }).Soon();
        Assert.True(bus.GetWorkers()[0].MessagesIn < Count);
        int chunks = 1;
        while (await events.MoveNextAsync().Soon() && events.Current.Type == StreamEventType.Chunk)
            chunks++;
        Assert.Equal(Count, chunks);
        Assert.Equal(StreamEventType.Result, events.Current.Type);
    }

    [Theory(DisplayName = "Subscriptions get what workers say, with pool and worker")]
    [MemberData(nameof(All))]
    public async Task Subscriptions_get_notifications(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool("a"), TestWorkers.Pool("b"));
        BusSubscription subscription = host.Bus.Subscribe();
        await host.Bus.RequestAsync("flood", new { method = "note", count = 3 }, new() { Pool = "b" }).Soon();
        for (int n = 1; n <= 3; n++)
        {
            BusNotification? note = await subscription.ReadAsync().Soon();
            Assert.Equal(("note", "b", 1, n), (note!.Method, note.Pool, note.WorkerId, JsonDocument.Parse(note.Raw).RootElement.GetProperty("params").GetProperty("n").GetInt32()));
        }
    }

    [Theory(DisplayName = "A worker's request is answered by the handler, and goes back to the worker that asked")]
    [MemberData(nameof(All))]
    public async Task Workers_requests_are_handled(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool(instances: 3));
        host.Bus.Handle("who", (request, _) => Task.FromResult<object?>(new { worker = request.WorkerId }));
        JsonElement[] answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => host.Bus.RequestAsync("ask", new { method = "who" }))).Soon();
        Assert.Equal([0, 1, 2], answers.Select(answer => JsonDocument.Parse(answer.GetString()!).RootElement.GetProperty("result").GetProperty("worker").GetInt32()).Order());
    }

    [Theory(DisplayName = "L7: the death of a worker fails its requests with exit code and stderr; it is started again")]
    [MemberData(nameof(All))]
    public async Task The_death_of_a_worker_is_told(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        var error = await Assert.ThrowsAsync<BusTransportException>(() => host.Bus.RequestAsync("exit", new { code = 3, stderr = "goodbye" }).Soon());
        Assert.Contains("code 3", error.Message, StringComparison.Ordinal);
        Assert.Contains("goodbye", error.Details, StringComparison.Ordinal);
        Assert.Equal(("test", 0, -32002), (error.Pool, error.WorkerId, error.RpcCode));
        Assert.Equal("{}", (await host.Bus.RequestAsync("echo", new { }).Soon()).GetRawText());
        BusWorker worker = (await host.Bus.GetWorkersAsync().Soon())[0];
        Assert.Equal((1, 3, WorkerState.Running), (worker.Restarts, worker.LastExitCode, worker.State));
        await Waiting.Until(() => host.Bus.GetLog().Any(entry => entry is { WorkerId: 0, Text: "goodbye" }), "the worker's stderr is in the log");
    }

    [Theory(DisplayName = "A pool that is not there is an error for requests and notifications; what is no object is not sent")]
    [MemberData(nameof(All))]
    public async Task What_cannot_be_sent_is_an_error(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool("a"), TestWorkers.Pool("b"));
        Assert.Contains("Unknown pool", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => host.Bus.RequestAsync("echo", null, new() { Pool = "c" }).Soon())).Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<StdioBusException>(() => host.Bus.NotifyAsync("echo", null, new() { Pool = "c" }).Soon());
        await Assert.ThrowsAnyAsync<StdioBusException>(() => host.Bus.SendAsync(new RawJson("[1]"), new() { Pool = "a" }).Soon());
        var error = await Assert.ThrowsAsync<BusResourceException>(() => host.Bus.RequestAsync("echo", new { text = new string('x', 11 << 20) }, new() { Pool = "a" }).Soon());
        Assert.Contains("max_input_buffer", error.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (host.Bus.PendingCount, host.Bus.KernelPendingCount));
    }

    [Theory(DisplayName = "A cancelled request is over in the kernel too, and its worker alone is told")]
    [MemberData(nameof(All))]
    public async Task A_cancellation_is_told(string way)
    {
        BusPool pool = TestWorkers.Pool(instances: 2);
        pool.Dialect = Dialect.Mcp;
        await using BackendHost host = await BackendHost.StartAsync(way, pool);
        using var cancel = new CancellationTokenSource();
        Task<JsonElement> call = host.Bus.RequestAsync("hold", new { key = "k" }, new() { SessionId = "s" }, cancel.Token);
        await Waiting.Until(() => host.Bus.GetWorkers().Any(worker => worker.Pending == 1), "a worker has the request");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        JsonElement seen = await host.Bus.RequestAsync("seen", null, new() { SessionId = "s" }).Soon();
        Assert.Contains("notifications/cancelled", Assert.Single(seen.EnumerateArray()).GetString(), StringComparison.Ordinal);
        await Waiting.Until(() => host.Bus.KernelPendingCount == 0, "nothing is pending");
    }

    [Theory(DisplayName = "A worker is restarted and stopped on request; a number that no worker has is refused")]
    [MemberData(nameof(All))]
    public async Task Workers_are_restarted_and_stopped(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way, TestWorkers.Pool(instances: 2));
        int first = (await host.Bus.GetWorkersAsync().Soon())[1].ProcessId;
        await host.Bus.RestartWorkerAsync(1).Soon();
        BusWorker again = (await host.Bus.GetWorkersAsync().Soon())[1];
        Assert.Equal(WorkerState.Running, again.State);
        Assert.NotEqual(first, again.ProcessId);
        await host.Bus.StopWorkerAsync(1, force: true).Soon();
        await host.Bus.StopWorkerAsync(1).Soon();
        Assert.Equal(WorkerState.Stopped, (await host.Bus.GetWorkersAsync().Soon())[1].State);
        Assert.Contains("worker 2", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => host.Bus.RestartWorkerAsync(2).Soon())).Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A stop fails what waits, ends subscriptions, is fast, and keeps the last counters")]
    [MemberData(nameof(All))]
    public async Task A_stop_is_fast(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        await host.Bus.RequestAsync("echo").Soon();
        Task<JsonElement> waiting = host.Bus.RequestAsync("hold", new { key = "k" });
        BusSubscription subscription = host.Bus.Subscribe();
        long start = Stopwatch.GetTimestamp();
        await host.Bus.StopAsync().Soon();
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"{Stopwatch.GetElapsedTime(start)}");
        await Assert.ThrowsAsync<BusTransportException>(() => waiting.Soon());
        Assert.Null(await subscription.ReadAsync().Soon());
        Assert.Equal((BusState.Stopped, 0, 0), (host.Bus.State, host.Bus.WorkerCount, host.Bus.PendingCount));
        Assert.True(host.Bus.Statistics.MessagesIn >= 2);
        Assert.Empty(await host.Bus.GetWorkersAsync().Soon());
        await Assert.ThrowsAsync<BusInvalidStateException>(() => host.Bus.RequestAsync("echo").Soon());
    }

    [Theory(DisplayName = "L6: the death of the daemon fails what waits at once; the bus is Stopped and says why")]
    [MemberData(nameof(Remote))]
    public async Task The_death_of_the_daemon_is_told(string way)
    {
        await using BackendHost host = await BackendHost.StartAsync(way);
        Task<JsonElement> waiting = host.Bus.RequestAsync("hold", new { key = "k" });
        BusSubscription subscription = host.Bus.Subscribe();
        long start = Stopwatch.GetTimestamp();
        await host.KillDaemonAsync();
        var error = await Assert.ThrowsAsync<BusTransportException>(() => waiting.Soon());
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), $"{Stopwatch.GetElapsedTime(start)}");
        Assert.Contains(way is not ("Subprocess" or "Docker") ? "was lost" : OperatingSystem.IsWindows() ? "exit code -1" : "exit code 137", error.Message, StringComparison.Ordinal);
        Assert.Null(await subscription.ReadAsync().Soon());
        Assert.Equal((BusState.Stopped, SubscriptionEndReason.BusStopped), (host.Bus.State, subscription.EndReason));
    }

    private static string Chunk(string text) =>
        "{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"" + text + "\"}}}}";

    private static string PlainChunk(string text) => Chunk(text).Replace("\"sessionId\":\"s\",", "", StringComparison.Ordinal);

    private static Task EmitAsync(Bus bus, params string[] lines) => bus.RequestAsync("emit", new { lines }, new() { SessionId = "s" }).Soon();
}
