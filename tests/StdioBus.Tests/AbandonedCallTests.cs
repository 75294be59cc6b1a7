using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Calls that nobody waits for any more, at each point of their life.</summary>
public sealed class AbandonedCallTests
{
    [Fact(DisplayName = "A16: 100,000 requests, cancelled or timed out, leave nothing pending, here or in the kernel")]
    public async Task A_hundred_thousand_leave_nothing()
    {
        const int Rounds = 50, Each = 1000;
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        var options = new RequestOptions { Timeout = TimeSpan.FromMilliseconds(1) };
        var parameters = new RawJson("""{"key":"k"}""");
        for (int round = 0; round < Rounds; round++)
        {
            using var cancelling = new CancellationTokenSource();
            Task<RawJson>[] cancelled = [.. Enumerable.Range(0, Each).Select(_ => bus.RequestRawAsync("hold", parameters, null, cancelling.Token))];
            Task<RawJson>[] late = [.. Enumerable.Range(0, Each).Select(_ => bus.RequestRawAsync("hold", parameters, options))];
            await cancelling.CancelAsync();
            await Task.WhenAll(cancelled.Concat(late)).ContinueWith(_ => { }, TaskScheduler.Default).Soon();
            Assert.All(cancelled, call => Assert.True(call.IsCanceled));
            Assert.All(late, call => Assert.IsType<BusTimeoutException>(call.Exception?.InnerException));
        }

        Assert.Equal((0, 2L * Rounds * Each), (bus.PendingCount, bus.Statistics.Failures));
        await Waiting.Until(() => bus.KernelPendingCount == 0, $"nothing is pending in the kernel, but {bus.KernelPendingCount}");
        Assert.All(bus.GetWorkers(), worker => Assert.Equal(0, worker.Pending));
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }).Soon()).GetRawText());
    }

    [Theory(DisplayName = "A16: a stream whose deadline passes, before its first chunk or between two, ends with its chunks and a timeout")]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task A_stream_that_times_out_leaves_nothing(int chunks, bool idle)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var limit = TimeSpan.FromSeconds(1);
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", null, idle ? new() { IdleTimeout = limit } : new() { Timeout = limit }).GetAsyncEnumerator();
        Task<bool> next = events.MoveNextAsync().AsTask();
        for (int i = 0; i < chunks; i++)
            backend.Chunk($"c{i}");
        for (int i = 0; i < chunks; i++)
        {
            Assert.True(await next.Soon());
            Assert.Equal($"c{i}", events.Current.Text);
            next = events.MoveNextAsync().AsTask();
        }

        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => next.Soon());
        Assert.Contains(idle ? "idle timeout" : "within its timeout", error.Message, StringComparison.Ordinal);
        Assert.Contains(chunks == 0 ? "nothing was heard" : "'session/update' was last heard", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, bus.PendingCount);
        Assert.Single(backend.GivenUp);
    }

    [Fact(DisplayName = "A17: an answer that came in time is read after the deadline has passed")]
    public async Task An_answer_in_time_beats_the_deadline()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var options = new StreamOptions { Timeout = TimeSpan.FromMilliseconds(500) };
        await using IAsyncEnumerator<StreamEvent> events = bus.StreamRequestAsync("m", null, options).GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        string id = backend.TakeId();
        backend.Chunk("in ");
        backend.Chunk("time");
        backend.Answer(id, "{}");

        // Sent later with the same limit: when its time is over, so is that of the stream.
        await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("m", null, options).Soon());
        Assert.True(await first.Soon());
        Assert.Equal("in ", events.Current.Text);
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.True(await events.MoveNextAsync().Soon());
        Assert.Equal("""{"text":"in time"}""", events.Current.Raw);
        Assert.False(await events.MoveNextAsync().Soon());
    }

    [Fact(DisplayName = "A13: an answer to a request that was given up is dropped and counted")]
    public async Task A_late_answer_is_dropped()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> call = bus.RequestAsync("m", null, null, cancelling.Token);
        string id = backend.TakeId();
        await cancelling.CancelAsync();
        backend.Answer(id, "1");
        backend.Chunk("late");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        Assert.Equal((1L, 1L, 0), (bus.Statistics.LateReplies, bus.Statistics.DroppedNotifications, bus.PendingCount));
    }
}
