using System.Diagnostics;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Callers that wait and meanwhile make the kernel's steps themselves, and what else goes on in the bus.</summary>
public sealed class DrivingTests
{
    private static bool CanDrive => !OperatingSystem.IsWindows();

    [Fact(DisplayName = "A26: a caller that blocks on one request after the other makes the kernel's steps itself")]
    public async Task A_caller_that_blocks_makes_the_steps()
    {
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using (bus)
        {
            await OnOneThread(thread =>
            {
                CallUntilDriving(bus, backend, thread);
                int driven = backend.ToldOn(thread);
                for (int i = 0; i < 1000; i++)
                    Assert.Equal(i, Echo(bus, i));
                Assert.Equal(CanDrive, backend.ToldOn(thread) > driven);
            });
            Assert.Equal(0, bus.PendingCount);
        }
    }

    [Fact(DisplayName = "A26: what comes when a caller that made the steps has gone is told by the loop")]
    public async Task The_loop_goes_on_when_the_caller_has_gone()
    {
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using (bus)
        {
            for (int round = 0; round < 20; round++)
            {
                BusSubscription subscription = bus.Subscribe();
                Task<JsonElement>? slow = null;
                await OnOneThread(thread =>
                {
                    CallUntilDriving(bus, backend, thread);
                    slow = bus.RequestAsync("sleep", new { ms = 5 });
                });
                Assert.Equal(JsonValueKind.Null, (await slow!.Soon()).ValueKind);
                await bus.RequestAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","method":"tick"}""" } }).Soon();
                Assert.Equal("tick", (await subscription.ReadAsync().Soon())!.Method);
                bus.Unsubscribe(subscription);
            }
        }
    }

    [Fact(DisplayName = "A26: a caller that makes the steps is told of all that its worker says between, and so are the others")]
    public async Task All_that_comes_between_is_told()
    {
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using (bus)
        {
            const int rounds = 200;
            BusSubscription subscription = bus.Subscribe(new SubscriptionOptions { MaxQueue = rounds });
            int asked = 0;
            using BusHandler handler = bus.Handle("question", (_, _) => Task.FromResult<object?>(Interlocked.Increment(ref asked)));
            await OnOneThread(thread =>
            {
                CallUntilDriving(bus, backend, thread);
                for (int i = 0; i < rounds; i++)
                {
                    Assert.Equal(i, Echo(bus, i));
                    string[] lines = [$$"""{"jsonrpc":"2.0","method":"tick","params":[{{i}}]}""", $$"""{"jsonrpc":"2.0","id":{{i}},"method":"question"}"""];
                    bus.RequestBlocking("emit", new { lines }, null, CancellationToken.None);
                }
            });
            for (int i = 0; i < rounds; i++)
                Assert.Equal(i, ((JsonElement)(await subscription.ReadAsync().Soon())!.Params!)[0].GetInt32());
            await Waiting.Until(() => Volatile.Read(ref asked) == rounds, "each question was answered");
            Assert.Equal((0, 0L), (bus.PendingCount, bus.Statistics.DroppedNotifications));
        }
    }

    [Fact(DisplayName = "A26: callers that block, callers that do not, streams and requests that are given up share a bus")]
    public async Task All_kinds_of_callers_share_a_bus()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool(instances: 2));
        using var end = new CancellationTokenSource();
        Task[] others = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(Others))];
        Task[] blocking = [.. Enumerable.Range(0, 3).Select(_ => OnOneThread(_ =>
        {
            for (int i = 0; i < 500; i++)
                Assert.Equal(i, Echo(bus, i));
        }))];
        await Task.WhenAll(blocking).Soon();
        await end.CancelAsync();
        await Task.WhenAll(others).Soon();
        Assert.Equal(0, bus.PendingCount);
        await Waiting.Until(() => bus.KernelPendingCount == 0, "the kernel has nothing left");

        async Task Others()
        {
            for (int i = 0; !end.IsCancellationRequested; i++)
            {
                Assert.Equal(i, (await bus.RequestAsync("echo", new { i })).GetProperty("i").GetInt32());
                Assert.Equal(4, (await bus.StreamRequestAsync("stream", new { sessionId = $"s{i}", count = 3 }).ToListAsync()).Count);
                using var cancel = new CancellationTokenSource();
                Task<JsonElement> held = bus.RequestAsync("hold", new { key = "k" }, cancellationToken: cancel.Token);
                await cancel.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
                Assert.Equal(2, (await bus.GetWorkersAsync()).Count);
            }
        }
    }

    [Fact(DisplayName = "A26: a caller that goes on may take its time, then block on the next request, or compute before it awaits it")]
    public async Task A_caller_that_goes_on_may_block()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await Task.Run(async () =>
        {
            for (int round = 0; round < 50; round++)
            {
                for (int i = 0; i < 5; i++)
                    await bus.RequestAsync("echo", new { i }).ConfigureAwait(false);
                Compute(TimeSpan.FromMilliseconds(round % 4));
                Assert.Equal(7, bus.RequestAsync("echo", new { n = 7 }, new() { Timeout = TestWorkers.Patience }).GetAwaiter().GetResult().GetProperty("n").GetInt32());
                for (int i = 0; i < 5; i++)
                    await bus.RequestAsync("echo", new { i }).ConfigureAwait(false);
                Compute(TimeSpan.FromMilliseconds(round % 4));
                Task<JsonElement> next = bus.RequestAsync("echo", new { n = 8 }, new() { Timeout = TestWorkers.Patience });
                while (!next.IsCompleted)
                    Compute(TimeSpan.FromMilliseconds(1));
                Assert.Equal(8, (await next.ConfigureAwait(false)).GetProperty("n").GetInt32());
            }
        }).Soon();
    }

    [Fact(DisplayName = "A26: a worker that is started anew while a caller makes the steps does not end with the caller's thread")]
    public async Task A_worker_outlives_the_caller_that_saw_it_start()
    {
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool(instances: 2)));
        await using (bus)
        {
            await OnOneThread(thread =>
            {
                CallUntilDriving(bus, backend, thread);
                var error = Assert.ThrowsAny<StdioBusException>(() => bus.RequestBlocking("exit", new { code = 3 }, null, CancellationToken.None));
                Assert.Contains("3", error.Message, StringComparison.Ordinal);
                long begin = Stopwatch.GetTimestamp();
                while (backend.WorkerEvents.Count(each => each.Change == WorkerEvent.Started) < 3)
                {
                    Assert.True(Stopwatch.GetElapsedTime(begin) < TestWorkers.Patience);
                    Assert.Equal(1, Echo(bus, 1));
                }

                Assert.DoesNotContain((WorkerEvent.Started, thread), backend.WorkerEvents);
            });
            IReadOnlyList<BusWorker> workers = await bus.GetWorkersAsync();
            Assert.All(await Task.WhenAll(Enumerable.Range(0, 100).Select(i => bus.RequestAsync("echo", new { i }))).Soon(), result => Assert.Equal(JsonValueKind.Object, result.ValueKind));
            Assert.Equal(workers.Select(worker => worker.ProcessId), (await bus.GetWorkersAsync()).Select(worker => worker.ProcessId));
            Assert.Equal(1, bus.Statistics.WorkerRestarts);
        }
    }

    [Fact(DisplayName = "A21: a bus ends while callers make the steps: each request is answered or fails, and no worker is left")]
    public async Task A_bus_ends_under_callers_that_make_the_steps()
    {
        for (int round = 0; round < 10; round++)
        {
            Bus bus = await TestWorkers.StartAsync();
            using var calling = new CountdownEvent(2);
            Task[] callers = [.. Enumerable.Range(0, 2).Select(_ => OnOneThread(_ =>
            {
                Assert.Equal(0, Echo(bus, 0));
                calling.Signal();
                Assert.ThrowsAny<StdioBusException>(() => EchoForEver(bus));
            }))];
            Assert.True(calling.Wait(TestWorkers.Patience));
            await (round % 2 == 0 ? bus.StopAsync() : bus.KillAsync()).Soon();
            await Task.WhenAll(callers).Soon();
            Assert.Equal((BusState.Stopped, 0), (bus.State, bus.PendingCount));
            await bus.DisposeAsync();
        }
    }

    [Fact(DisplayName = "A26: a caller that makes the steps stops waiting at its deadline, and when it is cancelled")]
    public async Task A_caller_that_makes_the_steps_can_give_up()
    {
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using (bus)
        {
            await OnOneThread(thread =>
            {
                for (int i = 0; i < 20; i++)
                {
                    CallUntilDriving(bus, backend, thread);
                    Assert.Throws<BusTimeoutException>(() => bus.RequestBlocking("hold", new { key = "k" }, new() { Timeout = TimeSpan.FromMilliseconds(1) }, CancellationToken.None));
                    using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
                    Assert.ThrowsAny<OperationCanceledException>(() => bus.RequestBlocking("hold", new { key = "k" }, null, cancel.Token));
                }
            });
            Assert.Equal((0, 0), (bus.PendingCount, bus.KernelPendingCount));
        }
    }

    [Fact(DisplayName = "A21: a defect that a caller meets while it makes the steps ends the bus and its requests, not the caller's thread")]
    public async Task A_defect_ends_the_bus()
    {
        Assert.SkipUnless(CanDrive, "Callers do not make steps here.");
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(TestWorkers.Options(TestWorkers.Pool()));
        await using (bus)
        {
            await OnOneThread(thread =>
            {
                CallUntilDriving(bus, backend, thread);
                backend.OnTurnEnd = () =>
                {
                    if (Environment.CurrentManagedThreadId == thread)
                        throw new InvalidOperationException("a defect");
                };
                Assert.Throws<BusTransportException>(() => EchoForEver(bus));
            });
            await Waiting.Until(() => bus.State == BusState.Stopped, "the bus stopped");
            Assert.Contains(bus.GetLog(), entry => entry.Level == BusLogLevel.Error && entry.Text.Contains("a defect", StringComparison.Ordinal));
        }
    }

    [Fact(DisplayName = "A26: on Windows, and with a kernel that cannot be lent, callers wait for the loop")]
    public async Task A_kernel_that_cannot_be_lent_is_not()
    {
        BusOptions options = TestWorkers.Options(new BusPool("a", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus });
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel };
        (Bus bus, WatchedBackend backend) = await WatchedBackend.StartAsync(options);
        await using (bus)
        {
            await OnOneThread(thread =>
            {
                for (int i = 0; i < 20; i++)
                    Assert.Equal(i, Echo(bus, i));
                Assert.Equal((0, 20), (backend.ToldOn(thread), backend.Told));
            });
        }
    }

    private static int Echo(Bus bus, int n) =>
        bus.RequestBlocking("echo", new { n }, null, CancellationToken.None).ToElement().GetProperty("n").GetInt32();

    // Work that leaves no place for others on its CPU but what the system takes.
    private static void Compute(TimeSpan time)
    {
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < time)
            Thread.SpinWait(20);
    }

    private static void EchoForEver(Bus bus)
    {
        while (true)
            Echo(bus, 1);
    }

    // Calls have to follow each other closely, which the machine may prevent for a while.
    private static void CallUntilDriving(Bus bus, WatchedBackend backend, int thread)
    {
        int before = backend.ToldOn(thread);
        long begin = Stopwatch.GetTimestamp();
        do
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < TestWorkers.Patience, "the caller never made a step");
            Assert.Equal(1, Echo(bus, 1));
        }
        while (CanDrive && backend.ToldOn(thread) == before);
    }

    private static Task OnOneThread(Action<int> work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                work(Environment.CurrentManagedThreadId);
                done.SetResult();
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        }).Start();
        return done.Task.Soon();
    }
}
