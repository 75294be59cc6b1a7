using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Real workers that die, babble or are asked for by the wrong name.</summary>
public sealed class WorkerTests
{
    [Fact(DisplayName = "L7: the death of a worker fails its requests at once, with exit code and stderr; others go on; it is restarted")]
    public async Task The_death_of_a_worker_fails_its_requests()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("a"), TestWorkers.Pool("b"));
        Task<JsonElement>[] lost = [.. Enumerable.Range(0, 3).Select(i => bus.RequestAsync("hold", new { key = $"{i}" }, new() { Pool = "a" }))];
        Task<JsonElement> other = bus.RequestAsync("sleep", new { ms = 300 }, new() { Pool = "b" });
        await bus.NotifyAsync("exit", new { code = 3, stderr = "goodbye" }, new() { Pool = "a" }).Soon();
        foreach (Task<JsonElement> call in lost)
        {
            var error = await Assert.ThrowsAsync<BusTransportException>(() => call.Soon());
            Assert.Contains("code 3", error.Message, StringComparison.Ordinal);
            Assert.Contains("goodbye", error.Details, StringComparison.Ordinal);
            Assert.Equal(("a", 0, "hold", -32002, true, false), (error.Pool, error.WorkerId, error.Method, error.RpcCode, error.WasWritten, error.IsRetryable));
        }

        await other.Soon();
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }, new() { Pool = "a" }).Soon()).GetRawText());
        BusWorker worker = bus.GetWorkers()[0];
        Assert.Equal((1, 3, null, WorkerState.Running), (worker.Restarts, worker.LastExitCode, worker.LastExitSignal, worker.State));
        Assert.Contains(bus.GetLog(), entry => entry is { WorkerId: 0, Text: "goodbye" });
        Assert.Equal((0, 0), (bus.PendingCount, bus.KernelPendingCount));
    }

    [Fact(DisplayName = "L7: a worker ended by a signal says which")]
    public async Task A_signal_is_named()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var error = await Assert.ThrowsAsync<BusTransportException>(() => bus.RequestAsync("kill", new { signal = 9 }).Soon());
        Assert.Contains("SIGKILL", error.Message, StringComparison.Ordinal);
        await Waiting.Until(() => bus.GetWorkers()[0].LastExitSignal == 9, "the signal is in the worker's row");
    }

    [Fact(DisplayName = "L13: a worker that exits too often fails: its requests are Unavailable, its subscriptions end")]
    public async Task A_worker_that_exits_too_often_fails()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool("p", 1, "exits", "5"));
        options.Limits = new BusLimits { MaxRestarts = 1 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        BusSubscription subscription = bus.Subscribe();
        Assert.Null(await subscription.ReadAsync().Soon());
        Assert.Equal(SubscriptionEndReason.WorkerLost, subscription.EndReason);
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.RequestAsync("echo").Soon());
        Assert.True(error.IsRetryable);
        Assert.Equal(WorkerState.Failed, bus.GetWorkers()[0].State);
    }

    [Fact(DisplayName = "L8: an unknown pool, and none where several are, is an InvalidArgument that lists the pools")]
    public async Task An_unknown_pool_is_refused()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("first"), TestWorkers.Pool("second"));
        foreach (RequestOptions options in new RequestOptions[] { new() { Pool = "third" }, new() })
        {
            var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RequestAsync("echo", null, options).Soon());
            Assert.Contains("first", error.Message, StringComparison.Ordinal);
            Assert.Contains("second", error.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAnyAsync<StdioBusException>(() => bus.NotifyAsync("echo", null, new() { Pool = "third" }).Soon());
        Assert.Equal((0, 0), (bus.PendingCount, bus.KernelPendingCount));
    }

    [Fact(DisplayName = "L13, L21: what is not JSON on a worker's stdout is skipped and counted")]
    public async Task Babble_is_skipped_and_counted()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 1, "garbage"));
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }).Soon()).GetRawText());
        Assert.Equal(3, bus.Statistics.InvalidLines);
        Assert.Equal(3, bus.GetWorkers()[0].InvalidLines);
    }

    [Fact(DisplayName = "L2: progress with a token and updates with the session in params arrive")]
    public async Task Keyed_notifications_arrive()
    {
        BusPool pool = TestWorkers.Pool();
        pool.Dialect = Dialect.Mcp;
        await using Bus bus = await TestWorkers.StartAsync(pool);
        var seen = new List<string>();
        Task<JsonElement> call = bus.RequestAsync("hold", new { key = "k" }, new() { OnProgress = n => seen.Add(n.Raw) });
        await bus.NotifyAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$(k),"progress":1}}""", """{"jsonrpc":"2.0","id":$(k),"result":{}}""" } }).Soon();
        await call.Soon();
        Assert.Contains("notifications/progress", Assert.Single(seen), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "L3: a request that a worker sends is refused at once, to the worker that asked")]
    public async Task A_workers_request_is_refused()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 3);
        JsonElement[] answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => bus.RequestAsync("ask", new { method = "roots/list" }))).Soon();
        Assert.All(answers, answer =>
        {
            using var line = JsonDocument.Parse(answer.GetString()!);
            Assert.Equal(("echo-1", -32601), (line.RootElement.GetProperty("id").GetString(), line.RootElement.GetProperty("error").GetProperty("code").GetInt32()));
        });
        Assert.Equal(3, bus.Statistics.RefusedWorkerRequests);
    }

    [Fact(DisplayName = "The worker table and the statistics tell what happened")]
    public async Task The_worker_table_tells()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("a"), TestWorkers.Pool("b", 2));
        await bus.RequestAsync("echo", null, new() { Pool = "a", SessionId = "s" }).Soon();
        IReadOnlyList<BusWorker> workers = await bus.GetWorkersAsync().Soon();
        Assert.Equal([(0, "a"), (1, "b"), (2, "b")], workers.Select(worker => (worker.Id, worker.Pool)));
        Assert.All(workers, worker => Assert.True(worker is { State: WorkerState.Running, ProcessId: > 0, LastExitCode: null } && worker.StartedAt <= DateTimeOffset.Now && worker.BusName == bus.Name));
        Assert.Equal((1L, 1L, 1L, 0L), (workers[0].MessagesIn, workers[0].MessagesOut, workers[0].Sessions, workers[0].Pending));
        BusStatistics before = bus.Statistics;
        await bus.RequestAsync("echo", null, new() { Pool = "a" }).Soon();
        Assert.Equal((before.Requests + 1, before.Results + 1, 1), (bus.Statistics.Requests, bus.Statistics.Results, bus.SessionCount));
        Assert.Equal(["echo"], bus.SeenMethods);
    }

    [Fact(DisplayName = "One session stays with one worker")]
    public async Task A_session_stays_with_its_worker()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 3);
        var pids = new Dictionary<string, HashSet<int>>();
        for (int round = 0; round < 5; round++)
        {
            for (int s = 0; s < 6; s++)
            {
                int pid = (await bus.RequestAsync("pid", null, new() { SessionId = $"s{s}" }).Soon()).GetProperty("pid").GetInt32();
                pids.TryAdd($"s{s}", []);
                pids[$"s{s}"].Add(pid);
            }
        }

        Assert.All(pids.Values, seen => Assert.Single(seen));
        Assert.Equal(3, pids.Values.SelectMany(seen => seen).Distinct().Count());
    }
}
