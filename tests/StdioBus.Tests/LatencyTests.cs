using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>How long answers take, by method.</summary>
public sealed class LatencyTests
{
    [Fact(DisplayName = "Percentiles are within 3.2 % of the true ones, from 100 ns to a day, and the longest is exact")]
    public void Percentiles_are_close()
    {
        var random = new Random(7);
        long[] scales = [1, 10, 31, 1_000, 65_537, 10_000_000, 600_000_000, TimeSpan.TicksPerHour];
        foreach (long scale in scales)
        {
            var histogram = new LatencyHistogram("m");
            long[] times = [.. Enumerable.Range(0, 5000).Select(_ => 1 + (long)(scale * 20 * Math.Pow(random.NextDouble(), 3)))];
            foreach (long time in times)
                histogram.Record(time);
            Array.Sort(times);
            MethodLatency read = histogram.Read()!;
            Assert.Equal(("m", 5000L, times[^1]), (read.Method, read.Count, read.Max.Ticks));
            AssertClose(times[2499], read.P50);
            AssertClose(times[4749], read.P95);
            AssertClose(times[4949], read.P99);
        }

        static void AssertClose(long expected, TimeSpan actual) =>
            Assert.True(Math.Abs(actual.Ticks - expected) <= expected * 0.032, $"{actual.Ticks} is not within 3.2 % of {expected}");
    }

    [Fact(DisplayName = "Times below 3.2 µs are exact; negative and endless ones are kept in bounds")]
    public void The_bounds_hold()
    {
        for (long time = 0; time < 32; time++)
        {
            var one = new LatencyHistogram("m");
            one.Record(time);
            Assert.Equal((time, time), (one.Read()!.P50.Ticks, one.Read()!.Max.Ticks));
        }

        var odd = new LatencyHistogram("m");
        Assert.Null(odd.Read());
        odd.Record(-5);
        Assert.Equal(0, odd.Read()!.P99.Ticks);
        odd.Record(long.MaxValue);
        Assert.Equal((2L, 0L, long.MaxValue), (odd.Read()!.Count, odd.Read()!.P50.Ticks, odd.Read()!.Max.Ticks));
        Assert.InRange(odd.Read()!.P99.TotalHours, 29, 31);
    }

    [Fact(DisplayName = "The first 256 methods have an entry each, all others one together")]
    public void Methods_are_bounded()
    {
        var table = new LatencyTable();
        for (int round = 0; round < 2; round++)
            for (int i = 0; i < 1000; i++)
                table.Of($"m{i}", out _).Record(1);
        IReadOnlyList<MethodLatency> read = table.Read();
        Assert.Equal(257, read.Count);
        Assert.Equal(2 * 744, Assert.Single(read, latency => latency.Method == "(other)").Count);
        Assert.All(read.Where(latency => latency.Method != "(other)"), latency => Assert.Equal(2, latency.Count));
        Assert.Equal(read.Select(latency => latency.Method).Order(StringComparer.Ordinal), read.Select(latency => latency.Method));
    }

    [Fact(DisplayName = "A method seen again is not new, though its text be another string")]
    public void A_method_is_new_once()
    {
        var table = new LatencyTable();
        LatencyHistogram first = table.Of("method", out bool isNew);
        Assert.True(isNew);
        Assert.Same(first, table.Of(new string("method".AsSpan()), out isNew));
        Assert.False(isNew);
    }

    [Fact(DisplayName = "A1: Statistics.Latency counts the answers of each method, errors too, and not what was given up; it is a copy")]
    public async Task Statistics_have_the_latency()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        Assert.Empty(bus.Statistics.Latency);
        for (int i = 0; i < 10; i++)
            await bus.RequestAsync("echo").Soon();
        await bus.RequestAsync("sleep", new { ms = 100 }).Soon();
        await Assert.ThrowsAnyAsync<StdioBusException>(() => bus.RequestAsync("fail", new { code = 1, message = "m" }).Soon());
        await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { Timeout = TimeSpan.FromMilliseconds(20) }).Soon());
        BusStatistics before = bus.Statistics;
        await foreach (StreamEvent each in bus.StreamRequestAsync("stream", new { count = 3 }))
            Assert.NotNull(each);
        Assert.Equal([("echo", 10L), ("fail", 1L), ("sleep", 1L)], before.Latency.Select(latency => (latency.Method, latency.Count)));
        Assert.Equal([("echo", 10L), ("fail", 1L), ("sleep", 1L), ("stream", 1L)], bus.Statistics.Latency.Select(latency => (latency.Method, latency.Count)));
        Assert.All(bus.Statistics.Latency, latency => Assert.True(latency.P50 > TimeSpan.Zero && latency.P50 <= latency.P95 && latency.P95 <= latency.P99 && latency.P99 <= latency.Max));

        Assert.Equal((13L, 11L), (before.Requests, before.Results));
        Assert.Equal((14L, 12L), (bus.Statistics.Requests, bus.Statistics.Results));

        // The worker slept for that long; its clock and ours are the same.
        Assert.True(before.Latency[2].Max >= TimeSpan.FromMilliseconds(99));
        Assert.Contains("stream", bus.SeenMethods);
    }

    [Fact(DisplayName = "A26: with a kernel that lacks the version 3 entries latency is counted too")]
    public async Task A_version_2_kernel_has_latency()
    {
        BusOptions options = TestWorkers.Options(new BusPool("a", TestWorkers.Program) { Envelope = EnvelopeKind.StdioBus });
        options.Native = new NativeOptions { LibraryPath = Repository.Version2Kernel };
        await using Bus bus = await TestWorkers.StartAsync(options);
        JsonElement answer = await bus.RequestAsync("echo", new { a = 1 }).Soon();
        Assert.Equal(1, answer.GetProperty("a").GetInt32());
        Assert.Equal(("echo", 1L), (Assert.Single(bus.Statistics.Latency).Method, bus.Statistics.Latency[0].Count));
    }
}
