using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Messages byte for byte as they leave, in both envelopes.</summary>
public sealed class WireTests
{
    private static readonly BusPool Standard = new("p", "unused");
    private static readonly BusPool Enveloped = new("p", "unused") { Envelope = EnvelopeKind.StdioBus };

    public static TheoryData<string, object?> Params => new()
    {
        { "", null },
        { ",\"params\":{}", new { } },
        { ",\"params\":[1,\"é\"]", new object[] { 1, "é" } },
        { ",\"params\":{\"a\":1}", new Dictionary<string, int> { ["a"] = 1 } },
        { ",\"params\":{\"a\" : 1}", new RawJson("{\"a\" : 1}") },
        { ",\"params\":{  \"a\":1 }", new RawJson("{\n\r\"a\":1\n}") },
        { ",\"params\":{\"a\":1}", JsonDocument.Parse("{\"a\":1}") },
        { ",\"params\":{\"a\":1}", JsonDocument.Parse("{\"a\":1}").RootElement },
        { ",\"params\":{\"a\":1}", JsonNode.Parse("{\"a\":1}") },
    };

    [Theory(DisplayName = "A11: params go out as they were given")]
    [MemberData(nameof(Params))]
    public async Task Params_go_out_as_given(string expected, object? parameters)
    {
        string line = await SentBy(Standard, bus => bus.RequestAsync("m", parameters));
        Assert.Equal($$"""{"jsonrpc":"2.0","id":"ID","method":"m"{{expected}}}""", line);
    }

    [Theory(DisplayName = "A11, A36: params that are neither object nor array, or cannot be written, are refused by name")]
    [InlineData("text")]
    [InlineData(5)]
    [InlineData(double.NaN)]
    [InlineData(true)]
    public async Task Params_that_are_no_container_are_refused(object parameters)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Standard));
        await using var _ = bus;
        var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RequestAsync("m", parameters));
        Assert.StartsWith("parameters:", error.Message, StringComparison.Ordinal);
        Assert.Empty(backend.Sent);
        Assert.Equal(0, bus.PendingCount);
    }

    [Theory(DisplayName = "A11: raw text that is not one object or array is refused")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("")]
    [InlineData("{},\"id\":5")]
    [InlineData("\"x\"")]
    public async Task Raw_params_that_are_no_container_are_refused(string json)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Standard));
        await using var _ = bus;
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RequestAsync("m", new RawJson(json)));
        Assert.Empty(backend.Sent);
    }

    [Fact(DisplayName = "A11, L1: the standard envelope is JSON-RPC and nothing else, for requests, streams and notifications")]
    public async Task The_standard_envelope_is_json_rpc_alone()
    {
        Assert.Equal("""{"jsonrpc":"2.0","id":"ID","method":"m","params":{"sessionId":"s"}}""", await SentBy(Standard, bus => bus.RequestAsync("m", new { sessionId = "s" }, new() { SessionId = "t" })));
        Assert.Equal("""{"jsonrpc":"2.0","id":"ID","method":"m","params":{"a":1}}""", await SentBy(Standard, bus => bus.StreamRequestAsync("m", new { a = 1 }).ToListAsync()));
        Assert.Equal("""{"jsonrpc":"2.0","method":"m"}""", await SentBy(Standard, bus => bus.NotifyAsync("m")));
    }

    [Fact(DisplayName = "A11, A7: the StdioBus envelope has session, agent, identity and audit, empty members left out")]
    public async Task The_stdiobus_envelope_has_its_members()
    {
        var full = new RequestOptions
        {
            SessionId = "s",
            AgentId = "a",
            Identity = new Identity { SubjectId = "u", Role = "r" },
            Audit = new AuditContext { EventId = "1", Action = "x", ParentEventId = "0", Timestamp = "2026-01-31T12:00:00Z", Actor = "me", Resource = "it", Outcome = "ok" },
        };
        const string Expected = """{"jsonrpc":"2.0","id":"ID","method":"m","params":{"n":1},"sessionId":"s","agentId":"a","_ext":{"identity":{"subjectId":"u","role":"r","assertedBy":"self"},"audit":{"eventId":"1","action":"x","parentEventId":"0","timestamp":"2026-01-31T12:00:00Z","actor":"me","resource":"it","outcome":"ok"}}}""";
        Assert.Equal(Expected, await SentBy(Enveloped, bus => bus.RequestAsync("m", new { n = 1 }, full)));
        var stream = new StreamOptions { SessionId = full.SessionId, AgentId = full.AgentId, Identity = full.Identity, Audit = full.Audit };
        Assert.Equal(Expected, await SentBy(Enveloped, bus => bus.StreamRequestAsync("m", new { n = 1 }, stream).ToListAsync()));
        Assert.Equal(Expected.Replace("\"id\":\"ID\",", "", StringComparison.Ordinal), await SentBy(Enveloped, bus => bus.NotifyAsync("m", new { n = 1 }, full)));
        Assert.Equal(
            """{"jsonrpc":"2.0","id":"ID","method":"m","sessionId":"s","_ext":{"audit":{"eventId":"1","action":"x"}}}""",
            await SentBy(Enveloped, bus => bus.RequestAsync("m", null, new() { SessionId = "s", Audit = new AuditContext { EventId = "1", Action = "x" } })));
    }

    [Fact(DisplayName = "A11: the session given wins over that of the params, and that over the client's")]
    public async Task The_session_given_wins()
    {
        Assert.Contains(",\"sessionId\":\"option\"}", await SentBy(Enveloped, bus => bus.RequestAsync("m", new { sessionId = "params" }, new() { SessionId = "option" })), StringComparison.Ordinal);
        Assert.EndsWith("},\"sessionId\":\"params\"}", await SentBy(Enveloped, bus => bus.RequestAsync("m", new { sessionId = "params" })), StringComparison.Ordinal);
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m");
        (string json, OutgoingMessage route) = backend.TakeSent();
        Assert.EndsWith($",\"sessionId\":\"{bus.ClientSessionId}\"}}", json, StringComparison.Ordinal);
        Assert.Equal((bus.ClientSessionId, true), (route.Session, route.Verbatim));
        await bus.StopAsync().Soon();
        await Assert.ThrowsAsync<BusTransportException>(() => call);
    }

    [Fact(DisplayName = "A12: the client's session is client-<ms>-<six characters>, each its own; the agent's is null until set")]
    public async Task The_clients_session_has_its_form()
    {
        (Bus one, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        (Bus two, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _1 = one;
        await using var _2 = two;
        Assert.Matches("^client-[0-9]{13}-[a-z0-9]{6}$", one.ClientSessionId);
        Assert.NotEqual(one.ClientSessionId, two.ClientSessionId);
        Assert.Null(one.AgentSessionId);
        one.AgentSessionId = "s";
        Assert.Equal("s", one.AgentSessionId);
    }

    [Fact(DisplayName = "Agent, identity and audit on a pool in the standard envelope are an error that says what to set")]
    public async Task Envelope_members_on_a_standard_pool_are_refused()
    {
        (Bus bus, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Standard));
        await using var _1 = bus;
        foreach (MessageOptions options in new MessageOptions[] { new() { AgentId = "a" }, new() { Identity = new() }, new() { Audit = new() } })
        {
            var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.NotifyAsync("m", null, options));
            Assert.Contains("Envelope", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact(DisplayName = "A method that is left out is the pool's default method, else its id; without a pool it is an error")]
    public async Task A_method_left_out_is_the_pools()
    {
        Assert.Contains("\"method\":\"p\"", await SentBy(Standard, bus => bus.RequestAsync(null, null, new() { Pool = "p" })), StringComparison.Ordinal);
        Assert.Contains("\"method\":\"d\"", await SentBy(new BusPool("p", "unused") { DefaultMethod = "d" }, bus => bus.RequestAsync("", null, new() { Pool = "p" })), StringComparison.Ordinal);
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => SentBy(Standard, bus => bus.RequestAsync(null)));
    }

    [Fact(DisplayName = "A progress token goes into params, whatever they have: nothing, members, an empty or a filled _meta")]
    public async Task A_progress_token_goes_into_params()
    {
        var options = new RequestOptions { ReportProgress = true };
        Assert.EndsWith("\"params\":{\"_meta\":{\"progressToken\":\"ID\"}}}", await SentBy(Standard, bus => bus.RequestAsync("m", null, options)), StringComparison.Ordinal);
        Assert.EndsWith("\"params\":{\"_meta\":{\"progressToken\":\"ID\"} }}", await SentBy(Standard, bus => bus.RequestAsync("m", new RawJson("{ }"), options)), StringComparison.Ordinal);
        Assert.EndsWith("\"params\":{\"_meta\":{\"progressToken\":\"ID\"}}}", await SentBy(Standard, bus => bus.RequestAsync("m", new RawJson("{\"_meta\":{}}"), options)), StringComparison.Ordinal);
        Assert.EndsWith("\"params\":{\"a\":1,\"_meta\":{\"progressToken\":\"ID\",\"k\":2},\"b\":3}}", await SentBy(Standard, bus => bus.RequestAsync("m", new RawJson("{\"a\":1,\"_meta\":{\"k\":2},\"b\":3}"), options)), StringComparison.Ordinal);
        Assert.EndsWith("\"params\":[1]}", await SentBy(Standard, bus => bus.RequestAsync("m", new[] { 1 }, options)), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A36: method and session survive quotes, control characters, emoji and half an emoji")]
    public async Task Texts_survive()
    {
        const string Odd = "a\"\\\n\u0001é😀\ud83d";
        string line = await SentBy(Enveloped, bus => bus.RequestAsync(Odd, null, new() { SessionId = Odd }));
        const string Escaped = "\"a\\\"\\\\\\n\\u0001é😀\\ud83d\"";
        Assert.Equal($$"""{"jsonrpc":"2.0","id":"ID","method":{{Escaped}},"sessionId":{{Escaped}}}""", line);
        Assert.Equal(Odd, JsonStrings.Decode(Encoding.UTF8.GetBytes(Escaped)));
    }

    [Fact(DisplayName = "A36: params nested 900 levels go out and come back; a cycle is an error that names the path")]
    public async Task Deep_params_pass_and_cycles_do_not()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        string deep = string.Concat(Enumerable.Repeat("{\"a\":[", 450)) + string.Concat(Enumerable.Repeat("]}", 450));
        Assert.Equal(deep, (await bus.RequestAsync("echo", new RawJson(deep)).Soon()).GetRawText());
        Assert.Equal(deep, (await bus.RequestAsync("echo", new RawJson(deep).ToElement()).Soon()).GetRawText());
        var cycle = new List<object>();
        cycle.Add(cycle);
        var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RequestAsync("echo", cycle));
        Assert.Contains("cycle", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, bus.PendingCount);
    }

    [Fact(DisplayName = "L1: what a worker reads is the line as it was written, in both envelopes")]
    public async Task A_worker_reads_the_line_as_written()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("s"), new BusPool("e", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus });
        JsonElement plain = await bus.RequestAsync("wire", new { a = 1 }, new() { Pool = "s", SessionId = "x" }).Soon();
        Assert.Matches("""^\{"jsonrpc":"2.0","id":"[a-z0-9]{8}-[0-9]+","method":"wire","params":\{"a":1\}\}$""", plain.GetString()!);
        JsonElement enveloped = await bus.RequestAsync("wire", null, new() { Pool = "e", SessionId = "x", AgentId = "y" }).Soon();
        Assert.Matches("""^\{"jsonrpc":"2.0","id":"[a-z0-9]{8}-[0-9]+","method":"wire","sessionId":"x","agentId":"y"\}$""", enveloped.GetString()!);
    }

    // What a call sends first, its own id replaced by ID.
    private static async Task<string> SentBy(BusPool pool, Func<Bus, Task> call)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(pool));
        await using var _ = bus;
        Task running = call(bus);
        if (running.IsFaulted)
            await running;
        string json = backend.TakeSent().Json;
        await bus.StopAsync().Soon();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        using var message = JsonDocument.Parse(json);
        return message.RootElement.TryGetProperty("id", out JsonElement id) ? json.Replace(id.GetString()!, "ID", StringComparison.Ordinal) : json;
    }
}
