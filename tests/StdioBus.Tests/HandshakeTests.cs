using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Pools whose workers are greeted before they get anything else.</summary>
public sealed class HandshakeTests
{
    private const string Mcp = """{"protocolVersion":"2025-06-18","capabilities":{}}""";

    /// <summary>The kernel in this process, and in one of its own.</summary>
    public static TheoryData<string> Ways => ["Native", "Subprocess"];

    [Fact(DisplayName = "The handshake of a pool is written, read back, and copied with its pool")]
    public void A_handshake_round_trips()
    {
        var pool = new BusPool("a", "x") { Handshake = [new RawJson("""{"id":0,"method":"é","params":[1.50]}"""), new RawJson("""{"method":"n"}""")] };
        string json = new BusConfig(pool).ToJson();
        Assert.Equal("""{"pools":[{"id":"a","command":"x","instances":1,"envelope":"standard","handshake":[{"id":0,"method":"é","params":[1.50]},{"method":"n"}]}]}""", json);
        Assert.Equal(json, BusConfig.Parse(json).ToJson());
        using var bus = new Bus(new BusOptions { Config = new BusConfig(pool) });
        pool.Handshake.Clear();
        Assert.Equal(2, bus.Pools[0].Handshake.Count);
    }

    [Theory(DisplayName = "What is wrong with a message of a handshake is found, with its path, in text and in objects")]
    [InlineData("5", "", false)]
    [InlineData("""{"id":1}""", ".method", false)]
    [InlineData("""{"method":1}""", ".method", false)]
    [InlineData("""{"method":""}""", ".method", false)]
    [InlineData("""{"method":"stdio_bus/workers"}""", ".method", false)]
    [InlineData("""{"method":"a","jsonrpc":"1.0"}""", ".jsonrpc", false)]
    [InlineData("""{"method":"a","id":null}""", ".id", false)]
    [InlineData("""{"method":"a","id":1.5}""", ".id", false)]
    [InlineData("""{"method":"a","id":1,"id":2}""", ".id", false)]
    [InlineData("""{"method":"a","params":"x"}""", ".params", false)]
    [InlineData("""{"method":"a","parms":{}}""", ".parms", true)]
    public void A_problem_is_found(string message, string path, bool isWarning)
    {
        string all = $$$"""{"pools":[{"id":"a","command":"x","handshake":[{"jsonrpc":"2.0","id":"1","method":"stdio_bus/hello","params":{}},{{{message}}}]}]}""";
        var config = new BusConfig(new BusPool("a", "x") { Handshake = [new RawJson("""{"method":"a"}"""), new RawJson(message)] });
        foreach (ConfigProblem problem in new[] { Assert.Single(BusConfig.Check(all)), Assert.Single(config.Check()) })
            Assert.Equal(("$.pools[0].handshake[1]" + path, isWarning), (problem.Path, problem.IsWarning));
    }

    [Fact(DisplayName = "A handshake that is no list, or has what is no JSON, is found")]
    public void What_is_no_handshake_is_found()
    {
        Assert.Equal("$.pools[0].handshake", Assert.Single(BusConfig.Check("""{"pools":[{"id":"a","command":"x","handshake":{}}]}""")).Path);
        var config = new BusConfig(new BusPool("a", "x") { Handshake = [default, new RawJson("{")] });
        Assert.Equal(["$.pools[0].handshake[0]", "$.pools[0].handshake[1]"], config.Check().Select(problem => problem.Path));
    }

    [Fact(DisplayName = "initialize is followed by notifications/initialized in MCP, and by nothing in ACP")]
    public void The_handshakes_of_MCP_and_ACP()
    {
        Assert.Equal(
            [$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{Mcp}}}""", """{"jsonrpc":"2.0","method":"notifications/initialized"}"""],
            BusHandshake.Initialize(new RawJson(Mcp)).Select(message => message.ToString()));
        Assert.Equal(
            """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1}}""",
            Assert.Single(BusHandshake.Initialize(new RawJson("""{"protocolVersion":1}"""))).ToString());
        foreach (string none in new[] { "[]", "1", "{", "" })
            Assert.Contains("params of initialize", Assert.Throws<BusInvalidArgumentException>(() => BusHandshake.Initialize(new RawJson(none))).Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A dialect that is not set follows from the initialize of the handshake; one that is set stays")]
    [InlineData("\"2025-06-18\"", Dialect.Auto, "notifications/cancelled")]
    [InlineData("1", Dialect.Auto, "session/cancel")]
    [InlineData("1", Dialect.JsonRpcCancel, "$/cancelRequest")]
    [InlineData("true", Dialect.Auto, null)]
    public async Task The_dialect_follows_from_the_handshake(string version, Dialect dialect, string? method)
    {
        BusPool pool = TestWorkers.Pool();
        pool.Dialect = dialect;
        pool.Handshake = [new RawJson("""{"method":"other","params":{"protocolVersion":1}}"""), .. BusHandshake.Initialize(new RawJson($$"""{"protocolVersion":{{version}}}"""))];
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(pool));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> call = bus.RequestAsync("session/prompt", new { sessionId = "s" }, null, cancelling.Token);
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        Assert.Equal(method, backend.GivenUp.Last().Notice is { } notice ? JsonDocument.Parse(notice).RootElement.GetProperty("method").GetString() : null);
    }

    [Theory(DisplayName = "Every worker is greeted, after a restart and a crash too, and its answer can be read")]
    [MemberData(nameof(BackendHost.All), MemberType = typeof(BackendHost))]
    public async Task Every_worker_is_greeted(string way)
    {
        BusPool pool = TestWorkers.Pool(instances: 3);
        pool.Handshake = BusHandshake.Initialize(new RawJson(Mcp));
        await using BackendHost host = await BackendHost.StartAsync(way, pool);
        await WhenGreeted(host.Bus);
        await host.Bus.RestartWorkerAsync(1).Soon();
        Assert.NotNull((await host.Bus.GetWorkersAsync().Soon())[1].Handshake);
        var options = new RequestOptions { SessionId = "s" };
        await Assert.ThrowsAsync<BusTransportException>(() => host.Bus.RequestAsync("exit", new { code = 1 }, options).Soon());
        await WhenGreeted(host.Bus);
        IReadOnlyList<BusWorker> workers = await host.Bus.GetWorkersAsync().Soon();
        Assert.Equal(2, workers.Sum(worker => worker.Restarts));
        Assert.All(workers, worker => Assert.Equal("2025-06-18", worker.Handshake!.Value.ToElement().GetProperty("protocolVersion").GetString()));
        JsonElement[] seen = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => host.Bus.RequestAsync("seen", null, new() { SessionId = $"other{i}" }))).Soon();
        Assert.All(seen, lines => Assert.Contains("notifications/initialized", lines.GetRawText(), StringComparison.Ordinal));
    }

    [Theory(DisplayName = "Requests wait for the handshake; what the worker asks meanwhile is answered")]
    [MemberData(nameof(Ways))]
    public async Task Requests_wait_for_the_handshake(string way)
    {
        BusPool pool = TestWorkers.Pool("kit", 1, "kit");
        pool.Handshake = [new RawJson("""{"id":1,"method":"ask","params":{"method":"roots/list"}}"""), new RawJson("""{"method":"ready"}""")];
        BusOptions options = TestWorkers.Options(pool);
        options.Roots = [new BusRoot("file:///tmp/one", "one")];
        await using BackendHost host = await BackendHost.StartAsync(way, options);
        JsonElement received = await host.Bus.RequestAsync("received").Soon();
        Assert.Equal("""["ready"]""", received.GetRawText());
        Assert.Contains("file:///tmp/one", host.Bus.GetWorkers()[0].Handshake.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, host.Bus.Statistics.WorkerRequests);
    }

    [Theory(DisplayName = "A worker that refuses the handshake fails; its callers, and who restarts it, are told")]
    [MemberData(nameof(Ways))]
    public async Task A_refusal_is_told(string way)
    {
        BusPool pool = TestWorkers.Pool();
        pool.Handshake = [new RawJson("""{"id":1,"method":"fail","params":{"code":-32602,"message":"Unsupported protocol version"}}""")];
        BusOptions options = TestWorkers.Options(pool);
        options.Limits = new BusLimits { MaxRestarts = 0 };
        await using BackendHost host = await BackendHost.StartAsync(way, options);
        const string Told = "refused the handshake: 'fail' got -32602: Unsupported protocol version";
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => host.Bus.RequestAsync("echo").Soon());
        Assert.Contains(Told, error.Message, StringComparison.Ordinal);
        BusWorker worker = (await host.Bus.GetWorkersAsync().Soon())[0];
        Assert.Equal((WorkerState.Failed, Told, null), (worker.State, worker.LastExitReason, worker.Handshake));
        await Assert.ThrowsAsync<BusUnavailableException>(() => host.Bus.RestartWorkerAsync(0).Soon());
    }

    [Theory(DisplayName = "A request that times out while its worker is being greeted says so")]
    [MemberData(nameof(Ways))]
    public async Task A_timeout_tells_of_the_handshake(string way)
    {
        BusPool pool = TestWorkers.Pool("deaf", 2, "never-reads");
        pool.Handshake = BusHandshake.Initialize(new RawJson(Mcp));
        await using BackendHost host = await BackendHost.StartAsync(way, pool);
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => host.Bus.RequestAsync("echo", null, new() { Timeout = TimeSpan.FromMilliseconds(50) }).Soon());
        Assert.EndsWith("; the worker has not answered its handshake yet.", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A timeout says nothing of a handshake that is over")]
    public async Task A_timeout_after_the_handshake()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool(instances: 2)));
        await using var _ = bus;
        backend.Change(1, WorkerEvent.Starting);
        backend.Change(1, WorkerEvent.Started);
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("echo", null, new() { Timeout = TimeSpan.FromMilliseconds(50) }).Soon());
        Assert.EndsWith("; nothing was heard from the worker.", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A26: a kernel that knows no handshakes is told so, rather than left to pass over it")]
    public async Task A_kernel_without_handshakes_refuses_one()
    {
        BusOptions options = TestWorkers.Options(new BusPool("a", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus, Handshake = BusHandshake.Initialize(new RawJson(Mcp)) });
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel };
        await using var bus = new Bus(options);
        var error = await Assert.ThrowsAsync<BusNotSupportedException>(() => bus.StartAsync().Soon());
        Assert.StartsWith("Pool 'a': the kernel", error.Message, StringComparison.Ordinal);
        Assert.Contains("knows no handshakes", error.Message, StringComparison.Ordinal);
    }

    private static Task WhenGreeted(Bus bus) =>
        Waiting.Until(() => bus.GetWorkers().All(worker => worker.State == WorkerState.Running && worker.Handshake is not null), "every worker was greeted");
}
