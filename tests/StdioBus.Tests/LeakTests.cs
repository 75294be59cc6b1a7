using System.Diagnostics;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>
/// Threads, descriptors, timers, managed and native memory are back where they were, however often buses, requests and
/// streams come and go. Alone, because it counts what this process holds.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class LeakTests
{
    [Fact(DisplayName = "1,000 bus life cycles leave no thread, descriptor, timer, managed or native memory")]
    public async Task Life_cycles_leave_nothing()
    {
        await AssertNoLeak(500, 1000, async (times, seen) =>
        {
            for (int i = 0; i < times; i++)
                seen.Add(await LiveAsync(i));
        });
    }

    [Fact(DisplayName = "100,000 cancelled requests leave no thread, descriptor, timer, managed or native memory")]
    public async Task Cancelled_requests_leave_nothing()
    {
        await AssertNoLeakOnABus(50_000, 100_000, 1000, CancelAsync);
    }

    [Fact(DisplayName = "10,000 broken streams leave no thread, descriptor, timer, managed or native memory")]
    public async Task Broken_streams_leave_nothing()
    {
        await AssertNoLeakOnABus(5000, 10_000, 50, BreakAsync);
    }

    [Fact(DisplayName = "100 life cycles of a bus whose kernel is a child process leave no thread, descriptor, timer, managed or native memory")]
    public async Task Life_cycles_of_daemons_leave_nothing()
    {
        await AssertNoLeak(50, 100, async (times, seen) =>
        {
            for (int i = 0; i < times; i++)
                seen.Add(await LiveAsync(i, BackendKind.Subprocess));
        });
    }

    // Each act is worth as many times as `atOnce`; nothing is pending after them.
    private static async Task AssertNoLeakOnABus(int warmUp, int times, int atOnce, Func<Bus, Task<WeakReference>> act)
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        await AssertNoLeak(warmUp, times, async (count, seen) =>
        {
            for (int done = 0; done < count; done += atOnce)
                seen.Add(await act(bus));
            Assert.Equal(0, bus.PendingCount);
            await Waiting.Until(() => bus.KernelPendingCount == 0, $"nothing is pending in the kernel, but {bus.KernelPendingCount}");
        });
    }

    // A bus that is used in every way, and ends in another way each time. A reference to what must not be kept.
    private static async Task<WeakReference> LiveAsync(int i, BackendKind backend = BackendKind.Native)
    {
        BusOptions options = TestWorkers.Options(new BusPool("echo", "cat"), new BusPool("silent", "sh", ["-c", "exec cat > /dev/null"]));
        options.Backend = backend;
        var bus = new Bus(options);
        await bus.StartAsync().Soon();
        BusSubscription subscription = bus.Subscribe();
        await bus.NotifyAsync("note", new { i }, new() { Pool = "echo" }).Soon();
        Assert.Equal("note", (await subscription.ReadAsync().Soon())?.Method);
        Task<RawJson> pending = bus.RequestRawAsync("unanswered", null, new() { Pool = "silent", Timeout = TimeSpan.FromMinutes(1) });
        await ((i % 3) switch { 0 => bus.StopAsync(), 1 => bus.KillAsync(), _ => bus.DisposeAsync().AsTask() }).Soon();
        await Assert.ThrowsAsync<BusTransportException>(() => pending.Soon());
        await bus.DisposeAsync();
        return new WeakReference(bus);
    }

    // A thousand requests that are cancelled together, half of them before they can have reached the worker.
    private static async Task<WeakReference> CancelAsync(Bus bus)
    {
        var parameters = new RawJson("""{"key":"k"}""");
        using var cancelling = new CancellationTokenSource();
        Task<RawJson>[] calls = new Task<RawJson>[1000];
        for (int i = 0; i < calls.Length; i++)
            calls[i] = bus.RequestRawAsync("hold", parameters, null, cancelling.Token);
        await cancelling.CancelAsync();
        await Task.WhenAll(calls).ContinueWith(_ => { }, TaskScheduler.Default).Soon();
        Assert.All(calls, call => Assert.True(call.IsCanceled));
        return new WeakReference(calls[0]);
    }

    // Fifty streams, each left after its first chunk.
    private static async Task<WeakReference> BreakAsync(Bus bus)
    {
        IAsyncEnumerator<StreamEvent>[] streams = [.. Enumerable.Range(0, 50).Select(i =>
            bus.StreamRequestAsync("stream", new { sessionId = $"s{i % 8}", count = 20 }).GetAsyncEnumerator())];
        foreach (IAsyncEnumerator<StreamEvent> stream in streams)
            Assert.True(await stream.MoveNextAsync().Soon());
        foreach (IAsyncEnumerator<StreamEvent> stream in streams)
            await stream.DisposeAsync().AsTask().Soon();
        return new WeakReference(streams[0].Current);
    }

    // Does it so often that all is warm, measures, does it as often as is asked for, and measures again.
    private static async Task AssertNoLeak(int warm, int times, Func<int, List<WeakReference>, Task> act)
    {
        await act(warm, []);
        Footprint before = await Footprint.MeasureAsync();
        var seen = new List<WeakReference>();
        await act(times, seen);

        // What ended a moment ago may still be on its way out, and the runtime still compiles.
        var given = Stopwatch.StartNew();
        while (true)
        {
            Footprint after = await Footprint.MeasureAsync();
            int alive = seen.Count(reference => reference.IsAlive);
            if (after.IsWithin(before) && alive == 0)
                return;
            Assert.True(given.Elapsed < TestWorkers.Patience, $"{alive} of {seen.Count} are still held; before and after: {before} {after}");
            await Task.Delay(50);
        }
    }

    private readonly record struct Footprint(int Threads, int Descriptors, long Timers, long Managed, long Native)
    {
        // What caches and the runtime itself may take beyond; a leak takes more, this often.
        private const long SlackBytes = 512 * 1024;

        public static async Task<Footprint> MeasureAsync()
        {
            // Off the stack of those who had the references.
            await Task.Yield();
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            return new Footprint(OwnProcess.BusThreadCount, OwnProcess.Descriptors, Timer.ActiveCount, GC.GetTotalMemory(true), OwnProcess.NativeBytes);
        }

        public bool IsWithin(in Footprint before) =>
            Threads <= before.Threads
            && Descriptors <= before.Descriptors + OwnProcess.DescriptorSlack
            && Timers <= before.Timers
            && Managed <= before.Managed + SlackBytes
            && Native <= before.Native + SlackBytes;
    }
}
