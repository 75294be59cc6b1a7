using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The kernel's one thread, and a kernel that has version 2 of the API only.</summary>
public sealed class KernelThreadTests
{
    [Fact(DisplayName = "A26: a call of the kernel from another thread throws and names both threads")]
    public void A_call_from_another_thread_throws()
    {
        KernelBus? kernel = null;
        using var made = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        var owner = new Thread(() =>
        {
            kernel = new KernelBus(KernelLibrary.Load(null), new BusConfig(TestWorkers.Pool()), new NativeOptions(), new KernelTurn(Thread.CurrentThread), new NoEvents());
            made.Set();
            done.Wait();
            kernel.Dispose();
        })
        {
            Name = "the owner",
        };
        owner.Start();
        Assert.True(made.Wait(TestWorkers.Patience));
        try
        {
            foreach (Action call in new Action[] { () => kernel!.Start(), () => kernel!.Step(0), () => kernel!.StepLent(0), () => kernel!.Stop(1), () => kernel!.ReadSnapshot(), () => kernel!.Forget(1), () => kernel!.WorkerOf(1), () => kernel!.MakeWaker(), () => kernel!.ReadWorkers("bus"), () => kernel!.SetPaused(0, PauseReasons.Stream, true), () => kernel!.EndWorker(0, restart: true, force: true), () => kernel!.StateOf(0), () => Send(kernel!), () => kernel!.Dispose(), () => _ = kernel!.State })
            {
                var error = Assert.Throws<BusTransportException>(call);
                Assert.Contains("'the owner (#", error.Message, StringComparison.Ordinal);
                Assert.Contains($"(#{Environment.CurrentManagedThreadId})'", error.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            done.Set();
            owner.Join();
        }
    }

    private static unsafe void Send(KernelBus kernel)
    {
        var route = default(KernelRoute);
        kernel.Send(&route, "{}"u8);
    }

    [Fact(DisplayName = "A26: any thread may use the bus, and no continuation runs on the loop thread")]
    public async Task Any_thread_may_use_the_bus()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var results = new int[16];
        var names = new string?[16];
        Thread[] threads = [.. Enumerable.Range(0, 16).Select(i => new Thread(() =>
        {
            for (int n = 0; n < 50; n++)
                results[i] += bus.RequestAsync("echo", new { n }).ContinueWith(
                    answer =>
                    {
                        names[i] = Thread.CurrentThread.Name;
                        return answer.Result.GetProperty("n").GetInt32() - n + 1;
                    },
                    TaskContinuationOptions.ExecuteSynchronously).GetAwaiter().GetResult();
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.True(thread.Join(TestWorkers.Patience));
        Assert.All(results, result => Assert.Equal(50, result));
        Assert.DoesNotContain(names, name => name?.StartsWith("StdioBus loop", StringComparison.Ordinal) == true);
    }

    [Fact(DisplayName = "A26: posts race with the end of the bus: every one is carried out or refused")]
    public async Task Posts_that_race_with_the_end_are_answered()
    {
        for (int round = 0; round < 20; round++)
        {
            Bus bus = await TestWorkers.StartAsync(TestWorkers.Quick());
            Task[] senders = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                while (true)
                    await bus.NotifyAsync("x");
            }))];
            Task kill = round % 2 == 0 ? bus.KillAsync() : bus.StopAsync();
            await kill.Soon();
            foreach (Task sender in senders)
                await Assert.ThrowsAnyAsync<StdioBusException>(() => sender.Soon());
            await bus.DisposeAsync();
        }
    }

    [Fact(DisplayName = "A26: a kernel without the version 3 entries works in the StdioBus envelope")]
    public async Task A_version_2_kernel_works()
    {
        BusOptions options = TestWorkers.Options(
            new BusPool("a", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus },
            new BusPool("b", TestWorkers.Program, null, 2) { Envelope = EnvelopeKind.StdioBus });
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel };
        await using var bus = new Bus(options);
        Assert.Equal((-1, -1, -1, 0), (bus.Statistics.LateReplies, bus.Statistics.InvalidLines, bus.Statistics.Requeued, bus.Statistics.MessagesIn));
        await bus.StartAsync().Soon();
        JsonElement[] results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => bus.RequestAsync("echo", new { i }, new() { Pool = i % 2 == 0 ? "a" : "b", SessionId = $"s{i % 5}" }))).Soon();
        Assert.Equal(Enumerable.Range(0, 200), results.Select(result => result.GetProperty("i").GetInt32()));
        JsonElement line = await bus.RequestAsync("wire", null, new() { Pool = "a", SessionId = "s" }).Soon();
        Assert.Contains("\"sessionId\":\"s\"", line.GetString(), StringComparison.Ordinal);
        JsonElement streamed = await bus.RequestAsync("stream", new { sessionId = "s", count = 2 }, new() { Pool = "a" }).Soon();
        Assert.Equal("chunk1 chunk2 ", streamed.GetProperty("text").GetString());
        Assert.Equal((3, 0, 0, -1), (bus.WorkerCount, bus.PendingCount, bus.KernelPendingCount, bus.Statistics.Requeued));
        Assert.Equal((-1, -1), (bus.Statistics.LateReplies, bus.Statistics.InvalidLines));
        Assert.Contains("version 2", (await Assert.ThrowsAsync<BusNotSupportedException>(() => bus.RestartWorkerAsync(0).Soon())).Message, StringComparison.Ordinal);
        await bus.StopAsync().Soon();
        Assert.Equal((-1, -1), (bus.Statistics.LateReplies, bus.Statistics.InvalidLines));
    }

    [Fact(DisplayName = "A25: a kernel that knows no access tokens opens no listener without one in its stead")]
    public async Task A_kernel_without_tokens_refuses_one()
    {
        BusOptions options = TestWorkers.Options(new BusPool("a", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus });
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel, ListenMode = ListenMode.Tcp, TcpPort = 0, AccessToken = "t" };
        await using var bus = new Bus(options);
        Assert.StartsWith("AccessToken:", (await Assert.ThrowsAsync<BusNotSupportedException>(() => bus.StartAsync().Soon())).Message, StringComparison.Ordinal);
        Assert.Equal((BusState.Stopped, null), (bus.State, bus.ListenEndpoint));
    }

    [Fact(DisplayName = "A26: a standard pool on a kernel without the version 3 entries is not supported, and says why")]
    public void A_standard_pool_on_a_version_2_kernel_is_not_supported()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel };
        Assert.Contains("StdioBus", Assert.Throws<BusNotSupportedException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    private sealed class NoEvents : IKernelEvents
    {
        public void OnMessage(in IncomingMessage message)
        {
        }

        public void OnSettled(ulong cookie)
        {
        }

        public void OnWorker(int workerId, WorkerEvent change)
        {
        }

        public void OnSkipped(int workerId, string reason, string line)
        {
        }

        public void OnLog(BusLogLevel level, int? workerId, string text)
        {
        }

        public void OnFault(Exception error) => throw error;
    }
}
