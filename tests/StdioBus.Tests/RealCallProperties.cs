using FsCheck;
using FsCheck.Fluent;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The same against real workers, whose gates decide what is answered when.</summary>
public sealed class RealCallProperties
{
    [Fact(DisplayName = "Real workers that answer, hold, stream and die in any order: every request ends once, and nothing stays pending, here or in the kernel")]
    public void Every_request_ends_once() =>
        Prop.ForAll(Gen.Choose(0, 99_999).ArrayOf(40).ToArbitrary(), script => Play(script).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(6));

    private static async Task Play(int[] script)
    {
        BusPool pool = TestWorkers.Pool("kit", 2, "kit");
        pool.Dialect = Dialect.JsonRpcCancel;
        BusOptions options = TestWorkers.Options(pool);
        options.Limits = new BusLimits { MaxRestarts = 100 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        var calls = new List<(Task Ended, CancellationTokenSource Cancelling)>();
        int deaths = 0;
        foreach (int number in script)
        {
            int target = number / 10;
            var cancelling = new CancellationTokenSource();
            switch (number % 10)
            {
                case 0 or 1:
                    calls.Add((bus.RequestAsync("echo", new { target }, null, cancelling.Token), cancelling));
                    break;
                case 2 or 3:
                    calls.Add((bus.RequestAsync("hold", new { target }, null, cancelling.Token), cancelling));
                    break;
                case 4 or 5:
                    calls.Add((bus.StreamRequestAsync("stream", new { chunks = new[] { "a", "b" }, gate = target % 2 == 0, sessionId = $"s{target}" }, new() { IdleTimeout = Timeout.InfiniteTimeSpan }, cancelling.Token).ToListAsync(), cancelling));
                    break;
                case 6:
                    await bus.NotifyAsync("release", null, new() { SessionId = $"s{target % 5}" }).Soon();
                    break;
                case 7:
                    await bus.NotifyAsync("step", null, new() { SessionId = $"s{target % 5}" }).Soon();
                    break;
                case 8 when calls.Count > 0:
                    await calls[target % calls.Count].Cancelling.CancelAsync();
                    break;

                // Each further death makes the next start wait longer.
                case 9 when deaths++ < 2:
                    await bus.NotifyAsync("exit", new { code = target % 3 }).Soon();
                    break;
            }
        }

        foreach ((Task _, CancellationTokenSource cancelling) in calls)
            await cancelling.CancelAsync();
        foreach ((Task ended, CancellationTokenSource _) in calls)
            await ended.ContinueWith(_ => { }, TaskScheduler.Default).Soon();
        await Waiting.Until(() => bus.PendingCount == 0 && bus.KernelPendingCount == 0, "nothing is pending, here and in the kernel");
        BusStatistics statistics = bus.Statistics;
        Assert.Equal(statistics.Requests, statistics.Results + statistics.Failures);
        Assert.InRange(statistics.Requests, calls.Count(call => !call.Ended.IsCanceled), calls.Count);
    }
}
