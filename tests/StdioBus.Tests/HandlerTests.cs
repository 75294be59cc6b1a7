using System.Collections.Concurrent;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Requests that workers send: who answers them, with what, and when nobody needs to any more.</summary>
public sealed class HandlerTests
{
    private static readonly BusPool Two = new("p", "unused", null, 2);

    [Fact(DisplayName = "L3: a handler's result answers the worker, with the worker's id as it was")]
    public async Task A_handlers_result_answers()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        bus.Handle("sampling/*", (request, _) => Task.FromResult<object?>(new { request.Method, request.WorkerId, request.Pool }));
        JsonElement answer = await bus.RequestAsync("ask", new { method = "sampling/createMessage" }).Soon();
        Assert.Equal("""{"jsonrpc":"2.0","id":"echo-1","result":{"Method":"sampling/createMessage","WorkerId":0,"Pool":"test"}}""", answer.GetString());
        Assert.Equal((1, 0), (bus.Statistics.WorkerRequests, bus.Statistics.RefusedWorkerRequests));
    }

    [Fact(DisplayName = "L16, L29: each worker gets its own answers, in whatever order they come, though all use the same ids")]
    public async Task Each_worker_gets_its_own_answers()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 4);
        var all = new TaskCompletionSource();
        int asked = 0;
        bus.Handle("who", async (request, _) =>
        {
            if (Interlocked.Increment(ref asked) == 4 * 5)
                all.SetResult();
            await all.Task;
            return new { worker = request.WorkerId, n = ((JsonElement)request.Params!).GetProperty("n").GetInt32() };
        });
        Task<JsonElement>[] heard = [.. Enumerable.Range(0, 4).Select(w => bus.RequestAsync("heard", new { count = 5 }, new() { SessionId = $"s{w}" }))];
        string[] lines = [.. Enumerable.Range(0, 5).Select(n => $$$"""{"jsonrpc":"2.0","id":{{{n}}},"method":"who","params":{"n":{{{n}}}}}""")];
        for (int w = 0; w < 4; w++)
            await bus.RequestAsync("emit", new { lines }, new() { SessionId = $"s{w}" }).Soon();
        var workers = new HashSet<int>();
        foreach (Task<JsonElement> each in heard)
        {
            List<JsonElement> answers = [.. (await each.Soon()).EnumerateArray().Select(line => JsonDocument.Parse(line.GetString()!).RootElement)];
            Assert.Equal([0, 1, 2, 3, 4], answers.Select(answer => answer.GetProperty("id").GetInt32()).Order());
            Assert.All(answers, answer => Assert.Equal(answer.GetProperty("id").GetInt32(), answer.GetProperty("result").GetProperty("n").GetInt32()));
            workers.Add(Assert.Single(answers.Select(answer => answer.GetProperty("result").GetProperty("worker").GetInt32()).Distinct()));
        }

        Assert.Equal([0, 1, 2, 3], workers.Order());
    }

    [Theory(DisplayName = "L3: results are JSON of every kind, on one line")]
    [InlineData(null, "null")]
    [InlineData(5, "5")]
    [InlineData("a\nb", "\"a\\nb\"")]
    [InlineData(true, "true")]
    [InlineData(new[] { 1, 2 }, "[1,2]")]
    public async Task Results_are_json_of_every_kind(object? result, string json)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        bus.Handle("m", (_, _) => Task.FromResult(result));
        Assert.Equal($$"""{"jsonrpc":"2.0","id":7,"result":{{json}}}""", await backend.Ask("m"));
    }

    [Fact(DisplayName = "L3: raw results go out as they are, but for line breaks; what is no JSON is an error, and never silence")]
    public async Task Raw_results_are_checked()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        bus.Handle("m", (request, _) => Task.FromResult<object?>(new RawJson(((JsonElement)request.Params!).GetString()!)));
        Assert.EndsWith(""" "result":{ "a":1 }}"""[1..], await backend.Ask("m", "\"{\\n\\\"a\\\":1\\r}\""), StringComparison.Ordinal);
        foreach (string bad in new[] { "{", "", "1 2", "{'a':1}", "nul" })
            Assert.Contains("\"error\":{\"code\":-32603,\"message\":\"the handler's result: expected one JSON value", await backend.Ask("m", $"\"{bad}\""), StringComparison.Ordinal);
        bus.Handle("bytes", (_, _) => Task.FromResult<object?>(new RawJson(new byte[] { (byte)'"', 0xff, (byte)'"' })));
        Assert.Contains("-32603", await backend.Ask("bytes"), StringComparison.Ordinal);
        bus.Handle("cycle", (_, _) =>
        {
            var list = new List<object>();
            list.Add(list);
            return Task.FromResult<object?>(list);
        });
        Assert.Contains("-32603", await backend.Ask("cycle"), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "L3: a result beyond the longest message is an error that names the limit")]
    public async Task A_result_that_is_too_long_is_an_error()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Limits = new BusLimits { MaxInputBuffer = 10_000 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        bus.Handle("m", (_, _) => Task.FromResult<object?>(new string('x', 20_000)));
        string answer = (await bus.RequestAsync("ask", new { method = "m" }).Soon()).GetString()!;
        Assert.Contains("\"code\":-32603", answer, StringComparison.Ordinal);
        Assert.Contains("max_input_buffer (10000)", answer, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "L3: what a handler throws is the answer: −32603 with its message, or the error it chose")]
    public async Task What_a_handler_throws_is_the_answer()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        bus.Handle("throws", (_, _) => throw new InvalidOperationException("no coffee"));
        bus.Handle("fails", async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidOperationException("no tea");
        });
        bus.Handle("chooses", (_, _) => throw new JsonRpcErrorException(-32050, "not \"now\"", new RawJson("{\n\"retry\":5}")));
        bus.Handle("refuses", (_, _) => throw new BusPolicyException("not allowed"));
        bus.Handle("garbles", (_, _) => throw new JsonRpcErrorException(1, "garbled", new RawJson("{")));
        bus.Handle("forgets", (_, _) => null!);
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"no coffee"}}""", await backend.Ask("throws"));
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"no tea"}}""", await backend.Ask("fails"));
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":-32050,"message":"not \"now\"","data":{ "retry":5}}}""", await backend.Ask("chooses"));
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":7,"message":"not allowed"}}""", await backend.Ask("refuses"));
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"garbled"}}""", await backend.Ask("garbles"));
        Assert.Contains("\"code\":-32603", await backend.Ask("forgets"), StringComparison.Ordinal);
        Assert.Contains(bus.GetLog(), entry => entry.Text.Contains("no coffee", StringComparison.Ordinal));
        Assert.Equal([0L, 1L], [bus.Handlers[0].Handled, bus.Handlers[0].Failed]);
    }

    [Fact(DisplayName = "L3: without a handler −32601 at once, also after its registration has ended")]
    public async Task Without_a_handler_it_is_refused()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        BusHandler handler = bus.Handle("m", (_, _) => Task.FromResult<object?>(1));
        Assert.Contains("\"result\":1", await backend.Ask("m"), StringComparison.Ordinal);
        handler.Dispose();
        handler.Dispose();
        Assert.Contains("\"code\":-32601", await backend.Ask("m"), StringComparison.Ordinal);
        Assert.Empty(bus.Handlers);
        Assert.Equal((2, 1), (bus.Statistics.WorkerRequests, bus.Statistics.RefusedWorkerRequests));
    }

    [Fact(DisplayName = "A name goes before a pattern, of these a pool before all, of these the younger before the older")]
    public async Task Handlers_have_their_precedence()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused"), new BusPool("q", "unused")));
        await using var _ = bus;
        Add("m", null, "name");
        BusHandler younger = Add("m", null, "younger name");
        BusHandler ofPool = Add("m", "q", "name of q");
        Add("*", "q", "pattern of q");
        Add("?", null, "pattern");
        Assert.Equal("younger name", await Answered("m", 0));
        Assert.Equal("name of q", await Answered("m", 1));
        Assert.Equal("pattern", await Answered("x", 0));
        Assert.Equal("pattern of q", await Answered("x", 1));
        ofPool.Dispose();
        younger.Dispose();
        Assert.Equal("name", await Answered("m", 1));
        Assert.Equal([1, 4, 5], bus.Handlers.Select(handler => handler.Id));

        BusHandler Add(string method, string? pool, string answer) => bus.Handle(method, (_, _) => Task.FromResult<object?>(answer), new() { Pool = pool });

        async Task<string?> Answered(string method, int worker) => JsonDocument.Parse(await backend.Ask(method, worker: worker)).RootElement.GetProperty("result").GetString();
    }

    [Fact(DisplayName = "A handler knows who asks, in which session, with which params, made by its reader")]
    public async Task A_handler_knows_who_asks()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        BusRequest? seen = null;
        bus.Handle("m", (request, _) => Task.FromResult<object?>((seen = request) is null), new() { Reader = utf8 => utf8.Length });
        await backend.Ask("m", """{"sessionId":"s","a":1}""", worker: 1);
        Assert.Equal(("m", "s", "p", 1, "7", 23), (seen!.Method, seen.SessionId, seen.Pool, seen.WorkerId, seen.Id.ToString(), seen.Params));
        Assert.Contains("\"a\":1", seen.Raw, StringComparison.Ordinal);
        Assert.Equal("m (worker 1 of pool 'p')", seen.ToString());
    }

    [Fact(DisplayName = "L3: a flood is bounded: some at work, some waiting in order, the rest refused with −32003; others are not held up")]
    public async Task A_flood_is_bounded()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        var gate = new TaskCompletionSource();
        var order = new ConcurrentQueue<string>();
        int atWork = 0, most = 0;
        bus.Handle("flood", async (request, _) =>
        {
            order.Enqueue($"{request.WorkerId}: {request.Id}");
            if (request.WorkerId == 0)
                InterlockedMax(ref most, Interlocked.Increment(ref atWork));
            await gate.Task;
            if (request.WorkerId == 0)
                Interlocked.Decrement(ref atWork);
            return null;
        }, new() { MaxConcurrent = 2, MaxQueue = 3 });
        for (int id = 1; id <= 8; id++)
            backend.Receive($$"""{"jsonrpc":"2.0","id":{{id}},"method":"flood"}""");
        Assert.Equal(
            [6, 7, 8],
            backend.Sent.Select(sent => JsonDocument.Parse(sent.Json).RootElement).Select(answer => (answer.GetProperty("error").GetProperty("code").GetInt32(), answer.GetProperty("id").GetInt32())).Select(each => each.Item1 == -32003 ? each.Item2 : 0));
        Assert.EndsWith("\"data\":{\"limit\":\"MaxQueue\",\"value\":3}}}", backend.TakeSent().Json, StringComparison.Ordinal);
        backend.Sent.Clear();
        backend.Receive("""{"jsonrpc":"2.0","id":1,"method":"flood"}""", worker: 1);
        await Waiting.Until(() => order.Count == 3, "the other worker's request is at work");
        gate.SetResult();
        await Waiting.Until(() => backend.Sent.Count == 6, "all are answered");
        Assert.Equal(["0: 1", "0: 2", "0: 3", "0: 4", "0: 5", "1: 1"], order.Order());
        Assert.Equal(2, most);
        Assert.Equal(3, bus.Statistics.RefusedWorkerRequests);
    }

    [Fact(DisplayName = "With one at a time a worker's requests are handled in the order in which it asked")]
    public async Task One_at_a_time_keeps_the_order()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var order = new List<int>();
        bus.Handle("n", async (request, _) =>
        {
            await Task.Yield();
            order.Add(int.Parse(request.Id.ToString(), System.Globalization.CultureInfo.InvariantCulture));
            return null;
        }, new() { MaxConcurrent = 1, MaxQueue = 1000 });
        Task<JsonElement> heard = bus.RequestAsync("heard", new { count = 500 });
        await bus.RequestAsync("emit", new { lines = Enumerable.Range(0, 500).Select(n => $$"""{"jsonrpc":"2.0","id":{{n}},"method":"n"}""") }).Soon();
        await heard.Soon();
        Assert.Equal(Enumerable.Range(0, 500), order);
    }

    [Theory(DisplayName = "A worker that takes its request back ends the handler's token; in $/cancelRequest it is answered even so")]
    [InlineData("notifications/cancelled", "requestId", null)]
    [InlineData("$/cancelRequest", "id", """{"jsonrpc":"2.0","id":7,"error":{"code":-32800,"message":"Request cancelled"}}""")]
    public async Task A_request_taken_back_ends_the_token(string method, string member, string? answer)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        bus.Handle("slow", async (_, cancelled) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancelled).ContinueWith(_ => ended.SetResult(), TaskScheduler.Default);
            return "too late";
        });
        backend.Receive("""{"jsonrpc":"2.0","id":7,"method":"slow"}""", worker: 1);
        await begun.Task.Soon();
        backend.Receive($$$"""{"jsonrpc":"2.0","method":"{{{method}}}","params":{"{{{member}}}":7}}""", worker: 0);
        Assert.False(ended.Task.IsCompleted);
        Assert.Equal(1, bus.Statistics.DroppedNotifications);
        backend.Receive($$$"""{"jsonrpc":"2.0","method":"{{{method}}}","params":{"{{{member}}}":7}}""", worker: 1);
        await ended.Task.Soon();
        await Waiting.Until(() => bus.Handlers[0].Failed == 1, "the handler has ended");
        Assert.Equal(answer, backend.Sent.TryDequeue(out var sent) ? sent.Json : null);
        Assert.Empty(backend.Sent);
        Assert.Equal(1, bus.Statistics.DroppedNotifications);
    }

    [Fact(DisplayName = "A request that is taken back while it waits for its turn is never handled")]
    public async Task A_waiting_request_taken_back_is_not_handled()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        (TaskCompletionSource gate, ConcurrentQueue<string> handled) = HandleBehindAGate(bus, new() { MaxConcurrent = 1 });
        Ask(backend, 1, 3);
        backend.Receive("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}""");
        gate.SetResult();
        await Waiting.Until(() => backend.Sent.Count == 2, "both others are answered");
        Assert.Equal(["1", "3"], handled);
    }

    [Fact(DisplayName = "Requests that were taken back while they waited leave their places to others")]
    public async Task Requests_taken_back_leave_their_places()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        (TaskCompletionSource gate, ConcurrentQueue<string> handled) = HandleBehindAGate(bus, new() { MaxConcurrent = 1, MaxQueue = 2 });
        Ask(backend, 1, 3);
        for (int id = 2; id <= 3; id++)
            backend.Receive($$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{id}}}}}""");
        Ask(backend, 4, 6);
        Assert.Contains("\"id\":6,\"error\":{\"code\":-32003,", backend.TakeSent().Json, StringComparison.Ordinal);
        Assert.Empty(backend.Sent);
        gate.SetResult();
        await Waiting.Until(() => backend.Sent.Count == 3, "the others are answered");
        Assert.Equal(["1", "4", "5"], handled);
    }

    [Fact(DisplayName = "A worker's end ends the tokens of its requests, and its successor is not answered with what it asked")]
    public async Task A_workers_end_ends_its_requests()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var begun = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        bool cancelled = false;
        bus.Handle("slow", async (_, token) =>
        {
            token.Register(() => cancelled = true);
            begun.SetResult();
            await release.Task;
            return "of the first process";
        });
        bus.Handle("quick", (_, _) => Task.FromResult<object?>("of the second process"));
        await bus.RequestAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","id":1,"method":"slow"}""" } }).Soon();
        await begun.Task.Soon();
        await bus.NotifyAsync("exit", new { code = 3 }).Soon();
        await Waiting.Until(() => Volatile.Read(ref cancelled), "the token has ended");
        Task<JsonElement> heard = bus.RequestAsync("heard", new { count = 1 });
        release.SetResult();
        await Waiting.Until(() => bus.Handlers[0].Failed == 1, "the handler has ended");
        await bus.RequestAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","id":1,"method":"quick"}""" } }).Soon();
        Assert.Contains("of the second process", Assert.Single((await heard.Soon()).EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A stop ends the tokens and answers the workers at once")]
    public async Task A_stop_ends_the_tokens()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _ = bus;
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        bus.Handle("m", async (_, token) =>
        {
            token.Register(() => throw new InvalidOperationException("the callback's own"));
            token.Register(ended.SetResult);
            begun.SetResult();
            await ended.Task;
            return 1;
        });
        backend.Receive("""{"jsonrpc":"2.0","id":"x","method":"m"}""", worker: 1);
        await begun.Task.Soon();
        await bus.StopAsync().Soon();
        await ended.Task.Soon();
        await Waiting.Until(() => bus.Handlers[0].Failed == 1, "the handler has ended");
        (string json, OutgoingMessage route) = Assert.Single(backend.Sent);
        Assert.Equal(("""{"jsonrpc":"2.0","id":"x","error":{"code":-32004,"message":"Shutting down"}}""", 1), (json, route.WorkerId));
        await Waiting.Until(() => bus.GetLog().Any(entry => entry.Text.Contains("the callback's own", StringComparison.Ordinal)), "what the callback threw is logged");
    }

    [Fact(DisplayName = "A handler may use the bus, the worker that asked included, and never runs on the loop thread")]
    public async Task A_handler_may_use_the_bus()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        string? thread = "";
        bus.Handle("nested", async (_, token) =>
        {
            thread = Thread.CurrentThread.Name;
            return await bus.RequestAsync("echo", new { n = 5 }, null, token);
        });
        string answer = (await bus.RequestAsync("ask", new { method = "nested" }).Soon()).GetString()!;
        Assert.EndsWith("\"result\":{\"n\":5}}", answer, StringComparison.Ordinal);
        Assert.False(thread?.StartsWith("StdioBus loop", StringComparison.Ordinal) == true, thread);
    }

    [Fact(DisplayName = "L30: a handler that is there before the start answers what workers ask as soon as they run")]
    public async Task A_handler_before_the_start_misses_nothing()
    {
        await using var bus = new Bus(TestWorkers.Options(TestWorkers.Pool("p", 1, "asks", "roots/list")));
        bus.Handle("roots/list", (_, _) => Task.FromResult<object?>(new { roots = Array.Empty<object>() }));
        await bus.StartAsync().Soon();
        JsonElement heard = await bus.RequestAsync("heard", new { count = 1 }).Soon();
        Assert.Equal("""{"jsonrpc":"2.0","id":0,"result":{"roots":[]}}""", Assert.Single(heard.EnumerateArray()).GetString());
    }

    [Fact(DisplayName = "Built in and off by default: roots, and rejection of every permission, each giving way to a handler")]
    public async Task Built_in_answers_are_off_until_asked_for()
    {
        const string Permission = """{"sessionId":"s","options":[{"optionId":"y","kind":"allow_once"},{"optionId":"never","kind":"reject_always"},{"optionId":"n","kind":"reject_once"}]}""";
        (Bus off, FakeBackend silent) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _1 = off;
        Assert.Contains("-32601", await silent.Ask("roots/list"), StringComparison.Ordinal);
        Assert.Contains("-32601", await silent.Ask("session/request_permission", Permission), StringComparison.Ordinal);
        BusOptions options = TestWorkers.Options(Two);
        options.Roots = [new BusRoot("file:///a \"b\"", "ä"), BusRoot.FromPath(OperatingSystem.IsWindows() ? @"C:\c d" : "/c d")];
        options.RejectPermissions = true;
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(options);
        await using var _2 = bus;
        string folder = OperatingSystem.IsWindows() ? "C:/c%20d" : "c%20d";
        Assert.Equal($$$"""{"jsonrpc":"2.0","id":7,"result":{"roots":[{"uri":"file:///a \"b\"","name":"ä"},{"uri":"file:///{{{folder}}}"}]}}""", await backend.Ask("roots/list"));
        Assert.EndsWith(""" "result":{"outcome":{"outcome":"selected","optionId":"n"}}}"""[1..], await backend.Ask("session/request_permission", Permission), StringComparison.Ordinal);
        Assert.EndsWith("\"optionId\":\"never\"}}}", await backend.Ask("session/request_permission", Permission.Replace("reject_once", "allow_once", StringComparison.Ordinal)), StringComparison.Ordinal);
        foreach (string odd in new[] { "{}", "[1]", """{"options":[5,{"kind":"reject_once"}]}""", """{"options":{}}""" })
            Assert.EndsWith(""" "result":{"outcome":{"outcome":"cancelled"}}}"""[1..], await backend.Ask("session/request_permission", odd), StringComparison.Ordinal);
        bus.Handle("*", (request, _) => Task.FromResult<object?>(request.Method));
        Assert.Contains("\"result\":\"roots/list\"", await backend.Ask("roots/list"), StringComparison.Ordinal);
        Assert.StartsWith("Roots[0]:", Assert.Throws<BusInvalidArgumentException>(() => new Bus(new BusOptions { Config = options.Config, Roots = [new BusRoot()] })).Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "Options of a handler out of their range are refused by name")]
    [InlineData("", 1, 1, null, "method")]
    [InlineData("m", 0, 1, null, "MaxConcurrent")]
    [InlineData("m", 1, -1, null, "MaxQueue")]
    [InlineData("m", 1, 1, "nowhere", "'p'")]
    public async Task Options_out_of_range_are_refused(string method, int concurrent, int queue, string? pool, string named)
    {
        (Bus bus, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Two));
        await using var _1 = bus;
        var error = Assert.Throws<BusInvalidArgumentException>(() => bus.Handle(method, (_, _) => null!, new() { MaxConcurrent = concurrent, MaxQueue = queue, Pool = pool }));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "The blocking bus has handlers that return what they answer")]
    public void The_blocking_bus_has_handlers()
    {
        using var bus = new BlockingBus(TestWorkers.Options(TestWorkers.Pool()));
        using BusHandler handler = bus.Handle("m", (request, _) => new { request.Method });
        bus.Start();
        Assert.EndsWith("\"result\":{\"Method\":\"m\"}}", bus.Request("ask", new { method = "m" }).GetString(), StringComparison.Ordinal);
        Assert.Same(handler, Assert.Single(bus.Handlers));
    }

    // Requests 'm' are handled, and answered when the gate is opened; their ids in the order in which they got there.
    private static (TaskCompletionSource Gate, ConcurrentQueue<string> Handled) HandleBehindAGate(Bus bus, HandlerOptions options)
    {
        var gate = new TaskCompletionSource();
        var handled = new ConcurrentQueue<string>();
        bus.Handle("m", async (request, _) =>
        {
            handled.Enqueue(request.Id.ToString());
            await gate.Task;
            return null;
        }, options);
        return (gate, handled);
    }

    private static void Ask(FakeBackend backend, int first, int last)
    {
        for (int id = first; id <= last; id++)
            backend.Receive($$"""{"jsonrpc":"2.0","id":{{id}},"method":"m"}""");
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        do
            seen = Volatile.Read(ref most);
        while (seen < value && Interlocked.CompareExchange(ref most, value, seen) != seen);
    }
}
