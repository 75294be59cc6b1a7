using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Every line of the workers, and handlers that are called for what comes.</summary>
public sealed class RawSubscriptionTests
{
    private static readonly BusPool[] Pools = [new("p", "unused"), new("q", "unused")];

    [Fact(DisplayName = "A13: a raw subscription gets every line, as it came, and takes it from nobody")]
    public async Task A_raw_subscription_gets_every_line()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pools));
        await using var _ = bus;
        using BusRawSubscription raw = bus.SubscribeRaw();
        using BusSubscription notifications = bus.SubscribeNotifications(5, OverflowPolicy.Close);
        Task<System.Text.Json.JsonElement> call = bus.RequestAsync("m", null, new() { Pool = "p" });
        string id = backend.TakeId();
        string[] lines =
        [
            $$"""{"jsonrpc":"2.0", "id":{{id}},"result":1}""",
            """{"jsonrpc":"2.0","method":"n"}""",
            """{"jsonrpc":"2.0","id":0,"method":"r"}""",
            """{"jsonrpc":"2.0"}""",
            """{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}""",
        ];
        for (int i = 0; i < lines.Length; i++)
            backend.Receive(lines[i], worker: i == 4 ? -1 : i % 2, fromKernel: i == 4);
        Assert.Equal(1, (await call.Soon()).GetInt32());
        Assert.Contains("-32601", backend.TakeSent().Json, StringComparison.Ordinal);
        Assert.Equal(("n", (5, OverflowPolicy.Close)), (Drain(notifications).Single().Method, (notifications.MaxQueue, notifications.Overflow)));
        List<BusMessage> seen = Drain(raw);
        Assert.Equal(lines, seen.Select(message => message.Json));
        Assert.Equal(lines, seen.Select(message => message.ToRawJson().ToString()));
        Assert.Equal([MessageKind.Response, MessageKind.Notification, MessageKind.Request, MessageKind.Other, MessageKind.Response], seen.Select(message => message.Kind));
        Assert.Equal([(0, "p"), (1, "q"), (0, "p"), (1, "q"), (-1, "")], seen.Select(message => (message.WorkerId, message.Pool)));
        Assert.Equal((5, 0), (raw.Delivered, raw.Dropped));
    }

    [Fact(DisplayName = "A20: a raw subscription filters by pool and method, follows its policy, and is listed")]
    public async Task A_raw_subscription_filters()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pools));
        await using var _ = bus;
        using BusRawSubscription ofQ = bus.SubscribeRaw(new() { Pool = "q" });
        using BusRawSubscription ofMethod = bus.SubscribeRaw(new() { Method = "a/*" });
        using BusRawSubscription full = bus.SubscribeRaw(new() { MaxQueue = 1, Overflow = OverflowPolicy.DropOldest });
        Assert.Equal([ofQ, ofMethod, full], bus.Subscriptions);
        backend.Receive("""{"method":"a/1"}""", worker: 0);
        backend.Receive("""{"method":"b","id":1}""", worker: 1);
        backend.Receive("""{"id":5,"result":"a/2"}""", worker: 1);
        Assert.Equal(["""{"method":"b","id":1}""", """{"id":5,"result":"a/2"}"""], Drain(ofQ).Select(message => message.ToString()));
        Assert.Equal("""{"method":"a/1"}""", Drain(ofMethod).Single().Json);
        Assert.Equal("""{"id":5,"result":"a/2"}""", Drain(full).Single().Json);
        Assert.Equal((2, 3), (full.Dropped, bus.Statistics.DroppedNotifications));
        bus.Unsubscribe(ofQ);
        await bus.StopAsync().Soon();
        Assert.Equal((SubscriptionEndReason.Closed, SubscriptionEndReason.BusStopped), (ofQ.EndReason, full.EndReason));
        Assert.Null(await full.ReadAsync().Soon());
    }

    [Fact(DisplayName = "Options that are of notifications do not apply to a raw subscription")]
    public async Task Options_of_notifications_do_not_apply()
    {
        (Bus bus, FakeBackend _) = await FakeBackend.StartAsync(TestWorkers.Options(Pools));
        await using var _1 = bus;
        Assert.StartsWith("SessionId:", Assert.Throws<BusInvalidArgumentException>(() => bus.SubscribeRaw(new() { SessionId = "s" })).Message, StringComparison.Ordinal);
        Assert.StartsWith("Predicate:", Assert.Throws<BusInvalidArgumentException>(() => bus.SubscribeRaw(new() { Predicate = _ => true })).Message, StringComparison.Ordinal);
        Assert.StartsWith("Reader:", Assert.Throws<BusInvalidArgumentException>(() => bus.OnMessage(_ => { }, new() { Reader = _ => 1 })).Message, StringComparison.Ordinal);
        Assert.StartsWith("MaxQueue:", Assert.Throws<BusInvalidArgumentException>(() => bus.SubscribeNotifications(0)).Message, StringComparison.Ordinal);
        Assert.Empty(bus.Subscriptions);
    }

    [Fact(DisplayName = "A13: push handlers see everything in order, and one that throws stops neither itself nor the others")]
    public async Task Push_handlers_see_everything()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var notifications = new List<int>();
        var messages = new List<MessageKind>();
        string? thread = "";
        var done = new TaskCompletionSource();
        using IDisposable throwing = bus.OnNotification(_ => throw new InvalidOperationException("the handler's own"), new() { MaxQueue = 1000 });
        using IDisposable one = bus.OnNotification(
            notification =>
            {
                notifications.Add(((System.Text.Json.JsonElement)notification.Params!).GetProperty("n").GetInt32());
                if (notifications.Count == 500)
                    done.SetResult();
            },
            new() { Method = "tick", MaxQueue = 1000 });
        using IDisposable all = bus.OnMessage(
            message =>
            {
                thread = Thread.CurrentThread.Name;
                lock (messages)
                    messages.Add(message.Kind);
            },
            new() { MaxQueue = 1000 });
        await bus.RequestAsync("flood", new { method = "tick", count = 500 }).Soon();
        await done.Task.Soon();
        Assert.Equal(Enumerable.Range(1, 500), notifications);
        await Waiting.Until(() => Seen() == 501, "every line was handed over");
        Assert.Equal(MessageKind.Response, messages[^1]);
        Assert.False(thread?.StartsWith("StdioBus loop", StringComparison.Ordinal) == true, thread);
        await Waiting.Until(() => bus.GetLog().Count(entry => entry.Text.Contains("the handler's own", StringComparison.Ordinal)) == 500, "each throw is logged");

        int Seen()
        {
            lock (messages)
                return messages.Count;
        }
    }

    [Fact(DisplayName = "A push handler that was disposed is not called any more, whatever waited for it")]
    public async Task A_disposed_push_handler_is_not_called()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pools));
        await using var _ = bus;
        var begun = new TaskCompletionSource();
        using var gate = new ManualResetEventSlim();
        int calls = 0;
        IDisposable handler = bus.OnNotification(_ =>
        {
            calls++;
            begun.TrySetResult();
            gate.Wait();
        });
        for (int i = 0; i < 5; i++)
            backend.Receive("""{"method":"n"}""");
        await begun.Task.Soon();
        var subscription = (BusSubscription)Assert.Single(bus.Subscriptions);
        handler.Dispose();
        gate.Set();
        Assert.Empty(bus.Subscriptions);
        await bus.StopAsync().Soon();
        Assert.Equal((1, SubscriptionEndReason.Closed), (calls, subscription.EndReason));
    }

    [Fact(DisplayName = "A blocking raw subscription pauses the worker and loses nothing")]
    public async Task A_blocking_raw_subscription_loses_nothing()
    {
        using var bus = new BlockingBus(TestWorkers.Options(TestWorkers.Pool()));
        bus.Start();
        using BusRawSubscription raw = bus.SubscribeRaw(new() { Method = "tick", MaxQueue = 10, Overflow = OverflowPolicy.Block });
        bus.Notify("flood", new { method = "tick", count = 5000, size = 200 });
        await Waiting.Until(() => bus.GetWorkers()[0].IsPaused, "the worker is paused");
        Assert.Equal(5000, BlockingBus.Read(raw).Take(5000).Select(message => message.Json).Distinct().Count());
    }

    private static List<T> Drain<T>(Subscription<T> subscription)
        where T : class
    {
        var items = new List<T>();
        while (subscription.TryRead(out T? item))
            items.Add(item);
        return items;
    }
}
