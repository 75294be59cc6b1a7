using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Requests that are made again: only those that may be, and only after errors that may not come again.</summary>
public sealed class RetryTests
{
    private static readonly BusPool Pool = new("p", "unused");
    private static readonly RetryOptions AtOnce = new() { Count = 2, Delay = TimeSpan.Zero };

    [Theory(DisplayName = "A9: a failure is retried when it is a Timeout, Unavailable, ResourceExhausted, or unwritten Transport error, nothing else")]
    [InlineData("""{"code":3,"message":"m"}""", false, true)]
    [InlineData("""{"code":8,"message":"m"}""", false, true)]
    [InlineData("""{"code":9,"message":"m"}""", false, true)]
    [InlineData("""{"code":-32001,"message":"m"}""", true, true)]
    [InlineData("""{"code":-32003,"message":"m"}""", true, true)]
    [InlineData("""{"code":-32002,"message":"m","data":{"written":false}}""", true, true)]
    [InlineData("""{"code":-32002,"message":"m","data":{"written":true}}""", true, false)]
    [InlineData("""{"code":-32002,"message":"m"}""", true, false)]
    [InlineData("""{"code":-32602,"message":"m"}""", true, false)]
    [InlineData("""{"code":-32001,"message":"m"}""", false, false)]
    [InlineData("""{"code":1,"message":"m"}""", false, false)]
    [InlineData("""{"code":2,"message":"m"}""", false, false)]
    [InlineData("""{"code":4,"message":"m"}""", false, false)]
    [InlineData("""{"code":5,"message":"m"}""", false, false)]
    [InlineData("""{"code":6,"message":"m"}""", false, false)]
    [InlineData("""{"code":7,"message":"m"}""", false, false)]
    [InlineData("""{"code":10,"message":"m"}""", false, false)]
    [InlineData("""{"code":0,"message":"m"}""", false, false)]
    public async Task Only_what_may_not_come_again_is_retried(string error, bool fromKernel, bool retried)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        Task<JsonElement> call = bus.RequestAsync("m", new { a = 1 }, new() { IsIdempotent = true, Retry = AtOnce });
        backend.Receive($$"""{"jsonrpc":"2.0","id":{{backend.TakeId()}},"error":{{error}}}""", fromKernel ? -1 : 0, fromKernel);
        if (!retried)
        {
            Assert.False((await Assert.ThrowsAnyAsync<StdioBusException>(() => call.Soon())).IsRetryable);
            Assert.Equal((0, 0), (backend.Sent.Count, bus.Statistics.Retries));
            return;
        }

        await Waiting.Until(() => !backend.Sent.IsEmpty, "it is sent again");
        (string json, OutgoingMessage _) = backend.TakeSent();
        Assert.EndsWith("\"method\":\"m\",\"params\":{\"a\":1}}", json, StringComparison.Ordinal);
        backend.Answer(JsonDocument.Parse(json).RootElement.GetProperty("id").GetRawText(), "5");
        Assert.Equal(5, (await call.Soon()).GetInt32());
        Assert.Equal((1, 2, 1), (bus.Statistics.Retries, bus.Statistics.Requests, bus.Statistics.Failures));
    }

    [Fact(DisplayName = "Nothing is retried that is not idempotent, nor where no way to is given")]
    public async Task Nothing_else_is_retried()
    {
        BusOptions options = TestWorkers.Options(Pool);
        options.Retry = AtOnce;
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(options);
        await using var _1 = bus;
        (Bus without, FakeBackend bare) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _2 = without;
        await Fails(bus.RequestAsync("m"), backend);
        await Fails(bus.RequestAsync("m", null, new() { Retry = AtOnce }), backend);
        await Fails(bus.RequestAsync("m", null, new() { IsIdempotent = true, Retry = new() { Count = 0 } }), backend);
        await Fails(bus.StreamRequestAsync("m", null, new() { IsIdempotent = true, Retry = AtOnce }).ToListAsync(), backend);
        await Fails(without.RequestAsync("m", null, new() { IsIdempotent = true }), bare);
        Assert.Equal((0, 0), (bus.Statistics.Retries, without.Statistics.Retries));

        static async Task Fails(Task call, FakeBackend backend)
        {
            backend.Receive($$$"""{"jsonrpc":"2.0","id":{{{backend.TakeId()}}},"error":{"code":8,"message":"m"}}""");
            await Assert.ThrowsAsync<BusUnavailableException>(() => call.Soon());
            Assert.Empty(backend.Sent);
        }
    }

    [Fact(DisplayName = "The last failure is the outcome, after as many repetitions as allowed; nothing is left")]
    public async Task The_last_failure_is_the_outcome()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Retry = AtOnce;
        await using Bus bus = await TestWorkers.StartAsync(options);
        var error = await Assert.ThrowsAsync<BusTimeoutException>(() => bus.RequestAsync("hold", new { key = "k" }, new() { IsIdempotent = true, Timeout = TimeSpan.FromMilliseconds(20) }).Soon());
        Assert.Contains("0.02 s", error.Message, StringComparison.Ordinal);
        Assert.Equal((2, 3, 3), (bus.Statistics.Retries, bus.Statistics.Requests, bus.Statistics.Failures));
        await Waiting.Until(() => bus.PendingCount == 0 && bus.KernelPendingCount == 0, "nothing is pending, here and in the kernel");
    }

    [Fact(DisplayName = "A wait ends with the caller's token, and with the bus: then the failure before it is the outcome")]
    public async Task A_wait_can_end_early()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        var options = new RequestOptions { IsIdempotent = true, Retry = new() { Delay = TimeSpan.FromDays(1), MaxDelay = TimeSpan.FromDays(1) } };
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> cancelled = bus.RequestAsync("m", null, options, cancelling.Token), stopped = bus.RequestAsync("m", null, options);
        foreach (string id in new[] { backend.TakeId(), backend.TakeId() })
            backend.Receive($$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":8,"message":"the failure"}}""");
        await Waiting.Until(() => bus.PendingCount == 0, "both wait for their turn");
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        Assert.False(stopped.IsCompleted);
        await bus.StopAsync().Soon();
        Assert.Equal("the failure", (await Assert.ThrowsAsync<BusUnavailableException>(() => stopped.Soon())).Message);
        Assert.Empty(backend.Sent);
    }

    [Fact(DisplayName = "Waits double up to the longest, and spread by the jitter either way")]
    public void Waits_double_and_spread()
    {
        var retry = new RetryOptions { Delay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromMilliseconds(1000), Jitter = 0.5 };
        Assert.Equal([100, 200, 400, 800, 1000, 1000], new[] { 1, 2, 3, 4, 5, 2000 }.Select(number => retry.DelayBefore(number, 0.5).TotalMilliseconds));
        Assert.Equal([50, 150], new[] { 0.0, 1.0 }.Select(random => retry.DelayBefore(1, random).TotalMilliseconds));
        Assert.Equal([500, 1000], new[] { 0.0, 1.0 }.Select(random => retry.DelayBefore(9, random).TotalMilliseconds));
    }
}
