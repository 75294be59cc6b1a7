using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Connections to a daemon that are lost, and made again.</summary>
public sealed class ReconnectTests
{
    [Theory(DisplayName = "When a daemon goes and comes again, what waited has failed, later calls work, and subscriptions and handlers go on")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_connection_is_made_again(bool overTcp)
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool(instances: 2)), overTcp);
        await using Bus bus = await TestWorkers.StartAsync(Options(daemon, TestWorkers.Pool(instances: 2)));
        bus.Handle("who", (request, _) => Task.FromResult<object?>(new { worker = request.WorkerId }));
        BusSubscription subscription = bus.Subscribe(new SubscriptionOptions { Method = "note" });
        await bus.RequestAsync("flood", new { method = "note", count = 1 }).Soon();
        Assert.NotNull(await subscription.ReadAsync().Soon());
        for (int round = 0; round < 2; round++)
        {
            Task<JsonElement> waiting = bus.RequestAsync("hold", new { key = "k" });
            Task<List<StreamEvent>> stream = bus.StreamRequestAsync("hold", new { key = "s" }).ToListAsync();
            await Waiting.Until(() => bus.KernelPendingCount == 2, "workers have both requests");
            await daemon.KillAsync();
            foreach (Task lost in new Task[] { waiting, stream })
                Assert.Contains("was lost", (await Assert.ThrowsAsync<BusTransportException>(() => lost.Soon())).Message, StringComparison.Ordinal);
            Assert.Equal((BusState.Running, false, 0), (bus.State, bus.IsConnected, bus.PendingCount));
            var refused = await Assert.ThrowsAsync<BusTransportException>(() => bus.RequestAsync("echo").Soon());
            Assert.Contains("is being made again", refused.Message, StringComparison.Ordinal);
            Assert.True(refused.IsRetryable);
            await Assert.ThrowsAsync<BusTransportException>(() => bus.NotifyAsync("anything").Soon());
            Assert.Empty(await bus.GetWorkersAsync().Soon());
            Assert.Equal(-1, bus.WorkerCount);

            await daemon.StartAgainAsync();
            await Waiting.Until(() => bus.IsConnected, "the connection is there again");
            await bus.RequestAsync("flood", new { method = "note", count = 1 }).Soon();
            Assert.NotNull(await subscription.ReadAsync().Soon());
            Assert.Contains("\"worker\":", (await bus.RequestAsync("ask", new { method = "who" }).Soon()).GetString(), StringComparison.Ordinal);
            Assert.Equal([(0, WorkerState.Running), (1, WorkerState.Running)], (await bus.GetWorkersAsync().Soon()).Select(worker => (worker.Id, worker.State)));
        }

        Assert.Equal(SubscriptionEndReason.None, subscription.EndReason);
        Assert.Equal(2, bus.GetLog().Count(entry => entry.Text.EndsWith("It is being made again.", StringComparison.Ordinal)));
        await bus.StopAsync().Soon();
        Assert.Equal((BusState.Stopped, false), (bus.State, bus.IsConnected));
    }

    [Fact(DisplayName = "A retried request outlasts the absence of its daemon")]
    public async Task Retries_outlast_it()
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: false);
        await using Bus bus = await TestWorkers.StartAsync(Options(daemon, TestWorkers.Pool()));
        await daemon.KillAsync();
        await Waiting.Until(() => !bus.IsConnected, "the connection is lost");
        Task<JsonElement> call = bus.RequestAsync("echo", new { a = 1 }, new() { IsIdempotent = true, Retry = new RetryOptions { Count = 1000, Delay = TimeSpan.FromMilliseconds(20), MaxDelay = TimeSpan.FromMilliseconds(50) } });
        await daemon.StartAgainAsync();
        Assert.Equal(1, (await call.Soon()).GetProperty("a").GetInt32());
    }

    [Fact(DisplayName = "A worker that was paused is read again when its daemon has come again and the reason is gone")]
    public async Task Pauses_are_set_anew()
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: false);
        await using Bus bus = await TestWorkers.StartAsync(Options(daemon, TestWorkers.Pool()));
        BusSubscription subscription = bus.Subscribe(new SubscriptionOptions { Method = "note", MaxQueue = 1, Overflow = OverflowPolicy.Block });
        await bus.NotifyAsync("flood", new { method = "note", count = 10_000, size = 500 }).Soon();
        await Waiting.Until(() => bus.GetWorkers()[0].IsPaused, "the worker is paused");
        await daemon.KillAsync();
        await Waiting.Until(() => !bus.IsConnected, "the connection is lost");
        await daemon.StartAgainAsync();
        await Waiting.Until(() => bus.IsConnected, "the connection is there again");
        while (subscription.Count > 0)
            await subscription.ReadAsync().Soon();
        await bus.RequestAsync("echo").Soon();
        await Waiting.Until(() => !bus.GetWorkers()[0].IsPaused, "the worker is read again");
    }

    [Fact(DisplayName = "A bus that is stopped, or killed, while its daemon is away stops at once")]
    public async Task A_stop_ends_it()
    {
        foreach (bool kill in new[] { false, true })
        {
            await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: false);
            await using Bus bus = await TestWorkers.StartAsync(Options(daemon, TestWorkers.Pool()));
            BusSubscription subscription = bus.Subscribe();
            await daemon.KillAsync();
            await Waiting.Until(() => !bus.IsConnected, "the connection is lost");
            await (kill ? bus.KillAsync() : bus.StopAsync()).Soon();
            Assert.Equal(BusState.Stopped, bus.State);
            Assert.Null(await subscription.ReadAsync().Soon());
            Assert.Equal(SubscriptionEndReason.BusStopped, subscription.EndReason);
        }
    }

    [Theory(DisplayName = "A daemon that comes again and says no ends the bus, with the reason in its log")]
    [InlineData(true, "refused AccessToken")]
    [InlineData(false, "the pools are not those of the daemon")]
    public async Task A_refusal_ends_it(bool otherToken, string reason)
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(new BusConfig(TestWorkers.Pool()), overTcp: true);
        await using Bus bus = await TestWorkers.StartAsync(Options(daemon, TestWorkers.Pool()));
        var stopped = new TaskCompletionSource();
        bus.Stopped += (_, _) => stopped.SetResult();
        await daemon.KillAsync();
        await daemon.StartAgainAsync(otherToken ? null : new BusConfig(TestWorkers.Pool("other")), otherToken ? "other" : null);
        await stopped.Task.Soon();
        Assert.Equal(BusState.Stopped, bus.State);
        Assert.Contains(reason, bus.GetLog().Last(entry => entry.Level == BusLogLevel.Error).Text, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Without a daemon at the start there is nothing to make again: the start fails at once")]
    public async Task A_start_is_not_tried_again()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        (options.Backend, options.Socket) = (BackendKind.Socket, new SocketOptions { UnixPath = "/nowhere/bus.sock", Reconnect = true });
        await using var bus = new Bus(options);
        await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Equal(BusState.Stopped, bus.State);
    }

    private static BusOptions Options(RunningDaemon daemon, params BusPool[] pools)
    {
        BusOptions options = TestWorkers.Options(pools);
        (options.Backend, options.Socket) = (BackendKind.Socket, daemon.Address);
        options.Socket.Reconnect = true;
        return options;
    }
}
