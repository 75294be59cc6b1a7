using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a worker asks for a call of the bus ends when that call is given up.</summary>
public sealed class ServedCallTests
{
    [Theory(DisplayName = "A request that serves a call which times out, is cancelled or left ends with it, and its worker is answered; one that may serve another goes on")]
    [InlineData("""{"sessionId":"s"}""", true)]
    [InlineData("{}", false)]
    public async Task A_request_ends_with_what_it_serves(string parameters, bool namesSession)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        bus.Handle("q", async (_, cancelled) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancelled).ContinueWith(_ => ended.SetResult(), TaskScheduler.Default);
            return "too late";
        });
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> served = bus.RequestAsync("m", new { sessionId = "s" }, null, cancelling.Token), other = bus.RequestAsync("m", new { sessionId = "o" }, new() { Timeout = TimeSpan.FromSeconds(1) });
        backend.TakeId();
        backend.TakeId();
        backend.Receive($$"""{"jsonrpc":"2.0","id":7,"method":"q","params":{{parameters}}}""");
        await begun.Task.Soon();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => served.Soon());
        Assert.Equal(namesSession ? 1 : 0, backend.Sent.Count);
        await Assert.ThrowsAsync<BusTimeoutException>(() => other.Soon());
        await ended.Task.Soon();
        await Waiting.Until(() => bus.Handlers[0].Failed == 1, "the handler has ended");
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":-32800,"message":"Request cancelled: the request that it was for was given up"}}""", backend.TakeSent().Json);
        Assert.Empty(backend.Sent);
    }

    [Fact(DisplayName = "A question for permission whose prompt is given up has ACP's own answer for that")]
    public async Task A_question_for_permission_is_called_off()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var begun = new TaskCompletionSource();
        bus.Handle("session/*", async (_, cancelled) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancelled);
            return null;
        });
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement> prompt = bus.RequestAsync("session/prompt", new { sessionId = "s" }, null, cancelling.Token);
        backend.TakeId();
        backend.Receive("""{"jsonrpc":"2.0","id":7,"method":"session/request_permission","params":{"sessionId":"s","options":[]}}""");
        await begun.Task.Soon();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => prompt.Soon());
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"result":{"outcome":{"outcome":"cancelled"}}}""", backend.TakeSent().Json);
    }

    [Fact(DisplayName = "A request that may serve a call which was answered, or none, is handled to its end")]
    public async Task A_request_that_may_serve_none_goes_on()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        var gate = new TaskCompletionSource();
        bus.Handle("q", async (_, _) =>
        {
            await gate.Task;
            return 1;
        });
        using var cancelling = new CancellationTokenSource();
        backend.Receive("""{"jsonrpc":"2.0","id":1,"method":"q"}""");
        Task<JsonElement> answered = bus.RequestAsync("m"), left = bus.RequestAsync("m", null, null, cancelling.Token);
        string id = backend.TakeId();
        backend.TakeId();
        backend.Receive("""{"jsonrpc":"2.0","id":2,"method":"q"}""");
        backend.Answer(id, "{}");
        await answered.Soon();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left.Soon());
        Assert.Empty(backend.Sent);
        gate.SetResult();
        await Waiting.Until(() => backend.Sent.Count == 2, "both are answered");
        Assert.All(backend.Sent, sent => Assert.EndsWith("\"result\":1}", sent.Json, StringComparison.Ordinal));
    }
}
