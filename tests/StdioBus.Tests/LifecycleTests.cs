using System.Diagnostics;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>
/// From Created to Stopped. Alone, because it counts threads of this process and measures times.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class LifecycleTests
{
    [Fact(DisplayName = "A14, A21: states come in order; every getter is safe in each; a bus starts once")]
    public async Task States_come_in_order()
    {
        var bus = new Bus(TestWorkers.Options(TestWorkers.Pool(instances: 2)));
        Assert.Equal((BusState.Created, 0, null), (bus.State, ReadAll(bus), bus.StartedAt));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("echo"));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.NotifyAsync("echo"));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.SendAsync(new RawJson("{}")));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.StreamRequestAsync("echo").ToListAsync());
        await bus.StartAsync().Soon();
        Assert.Equal((BusState.Running, 2), (bus.State, ReadAll(bus)));
        Assert.NotNull(bus.StartedAt);
        Assert.Contains("starts once", (await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.StartAsync())).Message, StringComparison.Ordinal);
        await bus.RequestAsync("echo").Soon();
        var stopped = new TaskCompletionSource();
        bus.Stopped += (_, _) => stopped.SetResult();
        await bus.StopAsync().Soon();
        await stopped.Task.Soon();
        await bus.StopAsync(TimeSpan.FromSeconds(1)).Soon();
        Assert.Equal((BusState.Stopped, 0), (bus.State, ReadAll(bus)));
        Assert.True(bus.Statistics.MessagesOut >= 1);
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("echo"));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.StartAsync());
        await bus.DisposeAsync();
        bus.Dispose();
        Assert.Equal(0, ReadAll(bus));
        foreach (Action late in new Action[] { () => bus.Subscribe(), () => bus.SubscribeRaw(), () => bus.OnNotification(_ => { }), () => bus.Handle("m", (_, _) => Task.FromResult<object?>(null)) })
            Assert.Throws<BusInvalidStateException>(late);
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.HelloAsync());
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.ConnectAsync());
        Assert.Contains("removed", (await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("echo"))).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A21: a bus that never started stops and is disposed; a kill is safe in every state")]
    public async Task A_bus_that_never_started_ends()
    {
        var bus = new Bus(TestWorkers.Options(TestWorkers.Pool()));
        await bus.StopAsync().Soon();
        Assert.Equal(BusState.Stopped, bus.State);
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.StartAsync());
        await bus.KillAsync().Soon();
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "A21: stop fails what is pending with a TransportError; well-behaved workers end in less than 200 ms")]
    public async Task Stop_fails_pending_and_is_quick()
    {
        Bus bus = await TestWorkers.StartAsync(instances: 4);
        int[] processes = [.. bus.GetWorkers().Select(worker => worker.ProcessId)];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => bus.RequestAsync("echo", null, new() { SessionId = $"{i}" }))).Soon();
        Task<JsonElement>[] pending = [.. Enumerable.Range(0, 10).Select(_ => bus.RequestAsync("hold", new { key = "k" }))];
        long start = Stopwatch.GetTimestamp();
        await bus.StopAsync().Soon();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        foreach (Task<JsonElement> call in pending)
            await Assert.ThrowsAsync<BusTransportException>(() => call.Soon());
        Assert.All(processes, process => Assert.False(OtherProcess.Exists(process), $"worker {process} is still there"));
        Assert.Equal((0, 0, 0), (bus.PendingCount, bus.KernelPendingCount, bus.WorkerCount));

        // Four runtimes share two busy processors here; alone it is tens of milliseconds.
        Assert.True(took < TimeSpan.FromSeconds(2), $"stop took {took}");
        TestContext.Current.TestOutputHelper?.WriteLine($"stop took {took.TotalMilliseconds} ms");
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "A21: a worker that ignores the end of its input and SIGTERM is killed at the deadline")]
    public async Task A_stubborn_worker_is_killed()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 1, "stubborn"));
        await bus.RequestAsync("echo").Soon();
        int process = bus.GetWorkers()[0].ProcessId;
        long start = Stopwatch.GetTimestamp();
        await bus.StopAsync(TimeSpan.FromSeconds(1)).Soon();
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.3, 5);
        Assert.False(OtherProcess.Exists(process));
    }

    [Fact(DisplayName = "A26: one loop thread a bus, none after it")]
    public async Task One_loop_thread()
    {
        int before = OwnProcess.LoopThreadCount;
        Bus bus = await TestWorkers.StartAsync(instances: 2);
        await bus.RequestAsync("echo").Soon();
        Assert.Equal(before + 1, OwnProcess.LoopThreadCount);
        await bus.DisposeAsync();
        await Waiting.Until(() => OwnProcess.LoopThreadCount == before, "the loop thread is gone");
    }

    [Fact(DisplayName = "A26: an idle bus uses no processor")]
    public async Task An_idle_bus_rests()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        await bus.RequestAsync("echo").Soon();
        string thread = OwnProcess.LoopThreads[^1];
        long switches = OwnProcess.VoluntarySwitches(thread);

        // Not to synchronise: this is the time in which a loop that polls would show itself.
        await Task.Delay(1000);
        Assert.InRange(OwnProcess.VoluntarySwitches(thread) - switches, 0, 2);
    }

    [Fact(DisplayName = "A command that cannot be executed fails the start, names it, and leaves nothing running")]
    public async Task A_missing_command_fails_the_start()
    {
        await using var bus = new Bus(TestWorkers.Options(TestWorkers.Pool("good"), new BusPool("bad", Path.GetFullPath("/nowhere/worker"))));
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.StartAsync().Soon());
        Assert.Contains(Path.GetFullPath("/nowhere/worker"), error.Message, StringComparison.Ordinal);
        Assert.Contains("bad", error.Message, StringComparison.Ordinal);
        Assert.Equal((BusState.Stopped, 0), (bus.State, bus.WorkerCount));
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RequestAsync("echo"));
    }

    [Fact(DisplayName = "L17: a start ends when the workers are started, however long they take to answer; requests wait for them")]
    public async Task A_start_does_not_wait_for_slow_workers()
    {
        long start = Stopwatch.GetTimestamp();
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 1, "slow-start", "5000"));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(4.9), "the start waited for the worker to read");
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }).Soon()).GetRawText());
    }

    private static int ReadAll(Bus bus)
    {
        _ = (bus.Name, bus.BackendKind, bus.Pools, bus.Timeout, bus.ListenMode, bus.ListenEndpoint, bus.ClientSessionId, bus.AgentSessionId, bus.SeenMethods, bus.Subscriptions, bus.Handlers, bus.Statistics, bus.GetLog(5), bus.ToString());
        Assert.Equal((0, 0, 0, 0), (bus.ClientCount, bus.SessionCount, bus.PendingCount, bus.KernelPendingCount));
        Assert.Equal(bus.WorkerCount, bus.GetWorkers().Count);
        return bus.WorkerCount;
    }
}
