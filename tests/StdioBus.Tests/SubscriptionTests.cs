using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Independent bounded queues of notifications.</summary>
public sealed class SubscriptionTests
{
    private static readonly BusPool Pool = new("p", "unused", null, 2);

    [Fact(DisplayName = "A20: several subscriptions receive all in order, and nothing from before")]
    public async Task Several_receive_all_in_order()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        Tick(backend, 0);
        using BusSubscription one = bus.Subscribe();
        using BusSubscription two = bus.Subscribe();
        for (int i = 1; i <= 100; i++)
            Tick(backend, i);
        Assert.Equal(Enumerable.Range(1, 100), Numbers(one));
        Assert.Equal(Enumerable.Range(1, 100), Numbers(two));
        Assert.Equal((100, 0), (one.Delivered, one.Dropped));
        Assert.Equal(1, bus.Statistics.DroppedNotifications);
    }

    [Fact(DisplayName = "A20: filters by pool, method, session and predicate")]
    public async Task Filters_select()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused"), new BusPool("q", "unused")));
        await using var _ = bus;
        using BusSubscription pool = bus.Subscribe(new() { Pool = "q" });
        using BusSubscription method = bus.Subscribe(new() { Method = "a/*b?" });
        using BusSubscription session = bus.Subscribe(new() { SessionId = "s" });
        using BusSubscription predicate = bus.Subscribe(new() { Predicate = n => n.Method.Length == 1 });
        backend.Receive("""{"jsonrpc":"2.0","method":"x"}""", worker: 0);
        backend.Receive("""{"jsonrpc":"2.0","method":"a/bc","params":{"sessionId":"s"}}""", worker: 1);
        backend.Receive("""{"jsonrpc":"2.0","method":"a/zzbc","sessionId":"s"}""", worker: 0);
        backend.Receive("""{"jsonrpc":"2.0","method":"A/bc","sessionId":"t"}""", worker: 0);
        Assert.Equal(["a/bc"], Methods(pool));
        Assert.Equal(["a/bc", "a/zzbc"], Methods(method));
        Assert.Equal(["a/bc", "a/zzbc"], Methods(session));
        Assert.Equal(["x"], Methods(predicate));
    }

    [Theory(DisplayName = "A20: what a full subscription does, and what it counts")]
    [InlineData(OverflowPolicy.DropNewest, new[] { 1, 2, 3 }, 7, SubscriptionEndReason.None)]
    [InlineData(OverflowPolicy.DropOldest, new[] { 8, 9, 10 }, 7, SubscriptionEndReason.None)]
    [InlineData(OverflowPolicy.Close, new[] { 1, 2, 3 }, 1, SubscriptionEndReason.Overflow)]
    [InlineData(OverflowPolicy.Block, new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 0, SubscriptionEndReason.None)]
    public async Task A_full_subscription_follows_its_policy(OverflowPolicy policy, int[] kept, int dropped, SubscriptionEndReason end)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        using BusSubscription full = bus.Subscribe(new() { MaxQueue = 3, Overflow = policy });
        using BusSubscription other = bus.Subscribe();
        for (int i = 1; i <= 10; i++)
            Tick(backend, i);
        Assert.Equal((dropped, end), (full.Dropped, full.EndReason));
        Assert.Equal(kept, Numbers(full));
        Assert.Equal(Enumerable.Range(1, 10), Numbers(other));
    }

    [Fact(DisplayName = "A20: a blocking subscription pauses the worker at its bound and resumes it at half")]
    public async Task A_blocking_subscription_pauses_the_worker()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        using BusSubscription subscription = bus.Subscribe(new() { MaxQueue = 4, Overflow = OverflowPolicy.Block });
        for (int i = 1; i <= 4; i++)
            Tick(backend, i, worker: 1);
        Assert.Equal([(1, PauseReasons.Subscription, true)], backend.Pauses);
        Assert.True(subscription.TryRead(out BusNotification? _1));
        Assert.Single(backend.Pauses);
        Assert.True(subscription.TryRead(out BusNotification? _2));
        Assert.Equal((1, PauseReasons.Subscription, false), backend.Pauses.Last());
        for (int i = 5; i <= 6; i++)
            Tick(backend, i, worker: 1);
        Assert.Equal((1, PauseReasons.Subscription, true), backend.Pauses.Last());
        subscription.Close();
        Assert.Equal((1, PauseReasons.Subscription, false), backend.Pauses.Last());
        Assert.Equal([3, 4, 5, 6], Numbers(subscription));
    }

    [Fact(DisplayName = "A20: a blocking subscription loses nothing of a real worker that sends faster than it is read")]
    public async Task A_blocking_subscription_loses_nothing()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        using BusSubscription subscription = bus.Subscribe(new() { Method = "tick", MaxQueue = 10, Overflow = OverflowPolicy.Block });
        Task<System.Text.Json.JsonElement> flood = bus.RequestAsync("flood", new { method = "tick", count = 20_000, size = 200 });
        var numbers = new List<int>();
        while (numbers.Count < 20_000)
        {
            BusNotification? next = await subscription.ReadAsync().Soon();
            Assert.True(subscription.Count < 2_000, $"holds {subscription.Count}: the worker was not paused");
            numbers.Add(Number(next!));
        }

        Assert.Equal(Enumerable.Range(1, 20_000), numbers);
        await flood.Soon();
    }

    [Fact(DisplayName = "A20: closing keeps what is held, then ends; it is idempotent")]
    public async Task Closing_drains_then_ends()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        BusSubscription subscription = bus.Subscribe();
        Tick(backend, 1);
        subscription.Close();
        subscription.Close();
        bus.Unsubscribe(subscription);
        Tick(backend, 2);
        Assert.True(subscription.IsClosed);
        Assert.Empty(bus.Subscriptions);
        Assert.Equal(1, Number((await subscription.ReadAsync().Soon())!));
        Assert.Null(await subscription.ReadAsync().Soon());
        Assert.False(await subscription.WaitToReadAsync().Soon());
        Assert.Equal(SubscriptionEndReason.Closed, subscription.EndReason);
    }

    [Fact(DisplayName = "A20: a waiting reader is woken by the end, and a cancelled one leaves the rest to others")]
    public async Task Waiting_readers_are_woken()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        BusSubscription subscription = bus.Subscribe();
        using var cancelling = new CancellationTokenSource();
        Task<BusNotification?> cancelled = subscription.ReadAsync(cancelling.Token).AsTask();
        Task<BusNotification?> waiting = subscription.ReadAsync().AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        Tick(backend, 1);
        Assert.Equal(1, Number((await waiting.Soon())!));
        Task<List<BusNotification>> rest = subscription.ToListAsync();
        subscription.Close();
        Assert.Empty(await rest.Soon());
    }

    [Theory(DisplayName = "A20: stop, dispose and kill end all subscriptions with their reason")]
    [InlineData("stop")]
    [InlineData("dispose")]
    [InlineData("kill")]
    public async Task The_end_of_the_bus_ends_subscriptions(string how)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        BusSubscription subscription = bus.Subscribe();
        Tick(backend, 1);
        await (how switch { "stop" => bus.StopAsync(), "dispose" => bus.DisposeAsync().AsTask(), _ => bus.KillAsync() }).Soon();
        Assert.Equal(SubscriptionEndReason.BusStopped, subscription.EndReason);
        Assert.Equal([1], Numbers(subscription));
        Assert.Null(await subscription.ReadAsync().Soon());
    }

    [Fact(DisplayName = "A20, L7: a subscription ends when no worker that it could hear will run again")]
    public async Task The_loss_of_all_workers_ends_subscriptions()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused", null, 2), new BusPool("q", "unused")));
        await using var _ = bus;
        using BusSubscription ofP = bus.Subscribe(new() { Pool = "p" });
        using BusSubscription all = bus.Subscribe();
        using BusSubscription ofSession = bus.Subscribe(new() { SessionId = "s" });
        backend.Receive("""{"jsonrpc":"2.0","method":"x","sessionId":"s"}""", worker: 2);
        backend.Change(0, WorkerEvent.Failed);
        Assert.False(ofP.IsClosed);
        backend.Change(1, WorkerEvent.Failed);
        Assert.Equal(SubscriptionEndReason.WorkerLost, ofP.EndReason);
        Assert.False(all.IsClosed);
        Assert.False(ofSession.IsClosed);
        backend.Change(2, WorkerEvent.Stopped);
        Assert.Equal(SubscriptionEndReason.WorkerLost, ofSession.EndReason);
        backend.Change(2, WorkerEvent.Failed);
        Assert.Equal(SubscriptionEndReason.WorkerLost, all.EndReason);
    }

    [Fact(DisplayName = "A13: what a predicate or a reader throws reaches the one who reads, and disturbs nobody else")]
    public async Task What_user_code_throws_reaches_its_reader_alone()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        using BusSubscription picky = bus.Subscribe(new() { Predicate = n => Number(n) == 2 ? true : throw new InvalidOperationException("the predicate's own") });
        using BusSubscription illiterate = bus.Subscribe(new() { Reader = _ => throw new InvalidOperationException("the reader's own") });
        using BusSubscription other = bus.Subscribe();
        Task<object?> call = bus.RequestObjectAsync("m", null, new() { Reader = _ => throw new InvalidOperationException("the result's own") });
        string id = backend.TakeId();
        Tick(backend, 1);
        Tick(backend, 2);
        backend.Answer(id, "5");
        Assert.Equal("the predicate's own", Assert.Throws<InvalidOperationException>(() => picky.TryRead(out BusNotification? _)).Message);
        Assert.Equal([2], Numbers(picky));
        Assert.True(illiterate.TryRead(out BusNotification? unread));
        Assert.Equal("the reader's own", Assert.Throws<InvalidOperationException>(() => unread.Params).Message);
        Assert.Equal([1, 2], Numbers(other));
        Assert.Equal("the result's own", (await Assert.ThrowsAsync<InvalidOperationException>(() => call.Soon())).Message);
        Assert.Equal(0, bus.PendingCount);
    }

    [Theory(DisplayName = "A20: options out of their range are refused by name")]
    [InlineData(0, OverflowPolicy.Block, null, "MaxQueue")]
    [InlineData(1, (OverflowPolicy)9, null, "Overflow")]
    [InlineData(1, OverflowPolicy.Block, "nowhere", "'p'")]
    public async Task Options_out_of_range_are_refused(int queue, OverflowPolicy policy, string? pool, string named)
    {
        (Bus bus, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _1 = bus;
        var error = Assert.Throws<BusInvalidArgumentException>(() => bus.Subscribe(new() { MaxQueue = queue, Overflow = policy, Pool = pool }));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static void Tick(FakeBackend backend, int n, int worker = 0) =>
        backend.Receive($$$"""{"jsonrpc":"2.0","method":"tick","params":{"n":{{{n}}}}}""", worker);

    private static int Number(BusNotification notification) => ((System.Text.Json.JsonElement)notification.Params!).GetProperty("n").GetInt32();

    private static List<int> Numbers(BusSubscription subscription) => [.. Drain(subscription).Select(Number)];

    private static List<string> Methods(BusSubscription subscription) => [.. Drain(subscription).Select(n => n.Method)];

    private static IEnumerable<BusNotification> Drain(BusSubscription subscription)
    {
        while (subscription.TryRead(out BusNotification? notification))
            yield return notification;
    }
}
