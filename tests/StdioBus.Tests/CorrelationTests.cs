using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Which call a notification belongs to, rule by rule, on a backend whose order the test decides.</summary>
public sealed class CorrelationTests
{
    private static readonly BusPool One = new("p", "unused");
    private static readonly BusPool Four = new("p", "unused", null, 4);

    [Fact(DisplayName = "Rule 1: the session in params names the stream")]
    public async Task A_session_in_params_names_its_stream()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> a = bus.RequestAsync("m", new { sessionId = "A" }), b = bus.RequestAsync("m", null, new() { SessionId = "B" });
        (string idA, string idB) = (backend.TakeId(), backend.TakeId());
        backend.Chunk("for b", "\"sessionId\":\"B\",");
        backend.Chunk("for a", "\"sessionId\":\"\\u0041\",");
        backend.Receive("""{"jsonrpc":"2.0","sessionId":"B","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"text":"!"}}}}""");
        backend.Answer(idA, "{}");
        backend.Answer(idB, "{}");
        Assert.Equal("""{"text":"for a"}""", (await a.Soon()).GetRawText());
        Assert.Equal("""{"text":"for b!"}""", (await b.Soon()).GetRawText());
        Assert.Equal(0, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "Rule 2: the progress token names the call, ours and the caller's own")]
    public async Task A_progress_token_names_its_call()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> ours = bus.RequestAsync("m", new { x = 1 }, new() { ReportProgress = true });
        Task<JsonElement> theirs = bus.RequestAsync("m", new { _meta = new { progressToken = 7 } }, new() { ReportProgress = true });
        string first = backend.TakeSent().Json;
        string idOurs = JsonDocument.Parse(first).RootElement.GetProperty("id").GetRawText();
        Assert.Contains($$"""{"_meta":{"progressToken":{{idOurs}}},"x":1}""", first, StringComparison.Ordinal);
        string idTheirs = backend.TakeId();
        backend.Chunk("seven", "\"progressToken\":7,");
        backend.Chunk("ours", $"\"progressToken\":{idOurs},");
        backend.Answer(idOurs, "{}");
        backend.Answer(idTheirs, "{}");
        Assert.Equal("ours", (await ours.Soon()).GetProperty("text").GetString());
        Assert.Equal("seven", (await theirs.Soon()).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "Rule 3: a request id names the call")]
    public async Task A_request_id_names_its_call()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> a = bus.RequestAsync("m"), b = bus.RequestAsync("m");
        (string idA, string idB) = (backend.TakeId(), backend.TakeId());
        backend.Chunk("b", $"\"requestId\":{idB},");
        backend.Chunk("a", $"\"id\":{idA},");
        backend.Answer(idB, "{}");
        backend.Answer(idA, "{}");
        Assert.Equal("a", (await a.Soon()).GetProperty("text").GetString());
        Assert.Equal("b", (await b.Soon()).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "Rule 4: the worker with one call names it, whoever else waits elsewhere")]
    public async Task A_worker_with_one_call_names_it()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Four));
        await using var _ = bus;
        Task<JsonElement>[] calls = [.. Enumerable.Range(0, 4).Select(_ => bus.RequestAsync("m"))];
        string[] ids = [.. calls.Select(_ => backend.TakeId())];
        for (int worker = 0; worker < 4; worker++)
            backend.Place(ids[worker], worker);
        for (int worker = 3; worker >= 0; worker--)
            backend.Chunk($"w{worker}", worker: worker);
        for (int worker = 0; worker < 4; worker++)
            backend.Answer(ids[worker], "{}", worker);
        JsonElement[] results = await Task.WhenAll(calls).Soon();
        Assert.Equal(["w0", "w1", "w2", "w3"], results.Select(result => result.GetProperty("text").GetString()!));
        Assert.Equal(0, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "Rule 5: with nothing to tell them apart the oldest gets it, and it is counted")]
    public async Task The_oldest_gets_what_nothing_tells_apart()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> withSession = bus.RequestAsync("m", new { sessionId = "s" });
        Task<JsonElement> older = bus.RequestAsync("m"), younger = bus.RequestAsync("m");
        (string idSession, string idOlder, string idYounger) = (backend.TakeId(), backend.TakeId(), backend.TakeId());
        backend.Chunk("whose?");
        backend.Answer(idSession, "{}");
        backend.Answer(idOlder, "{}");
        backend.Answer(idYounger, "{}");
        Assert.Equal("{}", (await withSession.Soon()).GetRawText());
        Assert.Equal("whose?", (await older.Soon()).GetProperty("text").GetString());
        Assert.Equal("{}", (await younger.Soon()).GetRawText());
        Assert.Equal(1, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "A notification whose key matches no call goes to subscriptions only")]
    public async Task A_key_that_matches_no_call_goes_to_subscriptions_only()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        using BusSubscription subscription = bus.Subscribe();
        Task<JsonElement> call = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Chunk("a", "\"sessionId\":\"other\",");
        backend.Chunk("b", "\"progressToken\":\"other\",");
        backend.Chunk("c", "\"requestId\":5,");
        backend.Answer(id, "{}");
        Assert.Equal("{}", (await call.Soon()).GetRawText());
        Assert.Equal(3, subscription.Count);
    }

    [Fact(DisplayName = "The same session in two pools is two sessions")]
    public async Task The_same_session_in_two_pools_is_two_sessions()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused"), new BusPool("q", "unused")));
        await using var _ = bus;
        Task<JsonElement> p = bus.RequestAsync("m", null, new() { Pool = "p", SessionId = "s" });
        Task<JsonElement> q = bus.RequestAsync("m", null, new() { Pool = "q", SessionId = "s" });
        (string idP, string idQ) = (backend.TakeId(), backend.TakeId());
        backend.Chunk("q", "\"sessionId\":\"s\",", worker: 1);
        backend.Chunk("p", "\"sessionId\":\"s\",", worker: 0);
        backend.Answer(idP, "{}", 0);
        backend.Answer(idQ, "{}", 1);
        Assert.Equal("p", (await p.Soon()).GetProperty("text").GetString());
        Assert.Equal("q", (await q.Soon()).GetProperty("text").GetString());
    }

    [Fact(DisplayName = "A13, L29: a worker's request with an id of ours does not disturb ours, and is refused at once")]
    public async Task A_workers_request_with_our_id_does_not_disturb_ours()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Four));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Receive($$"""{"jsonrpc":"2.0","id":{{id}},"method":"roots/list"}""", worker: 2);
        (string refusal, OutgoingMessage route) = backend.TakeSent();
        Assert.StartsWith($$"""{"jsonrpc":"2.0","id":{{id}},"error":{"code":-32601,""", refusal, StringComparison.Ordinal);
        Assert.Equal(2, route.WorkerId);
        backend.Answer(id, "1");
        Assert.Equal(1, (await call.Soon()).GetInt32());
        Assert.Equal(1, bus.Statistics.RefusedWorkerRequests);
    }

    [Fact(DisplayName = "A13: unknown ids, late answers and things that are no messages are counted and harm nobody")]
    public async Task Unknown_and_late_answers_are_counted()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m");
        string id = backend.TakeId();
        backend.Answer("5", "1");
        backend.Answer("\"nobody\"", "1");
        backend.Answer("null", "1");
        backend.Receive("""{"jsonrpc":"2.0"}""");
        backend.Answer(id, "2");
        backend.Answer(id, "3");
        Assert.Equal(2, (await call.Soon()).GetInt32());
        BusStatistics statistics = bus.Statistics;
        Assert.Equal((4, 1), (statistics.LateReplies, statistics.InvalidLines));
    }

    [Fact(DisplayName = "A13: an id that comes back in escapes is the same id")]
    public async Task An_id_in_escapes_is_the_same_id()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m");
        string id = backend.TakeId().Trim('"');
        backend.Answer($"\"\\u{(int)id[0]:x4}{id[1..]}\"", "2");
        Assert.Equal(2, (await call.Soon()).GetInt32());
    }

    [Fact(DisplayName = "A17: stop, and the loss of the kernel, fail what waits with a TransportError")]
    public async Task The_loss_of_the_kernel_fails_what_waits()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m");
        using BusSubscription subscription = bus.Subscribe();
        backend.Close(new BusTransportException("the kernel's loop failed"));
        var error = await Assert.ThrowsAsync<BusTransportException>(() => call.Soon());
        Assert.Contains("the kernel's loop failed", error.Message, StringComparison.Ordinal);
        Assert.Equal((BusState.Stopped, 0, SubscriptionEndReason.BusStopped), (bus.State, bus.PendingCount, subscription.EndReason));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("m"));
    }
}
