using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Each answer reaches its caller, errors are exceptions, and nothing else disturbs them.</summary>
public sealed class DispatchTests
{
    [Fact(DisplayName = "A13: a request gets the worker's result")]
    public async Task A_request_gets_the_workers_result()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        JsonElement result = await bus.RequestAsync("echo", new { text = "hello", n = 5 }).Soon();
        Assert.Equal("""{"text":"hello","n":5}""", result.GetRawText());
        Assert.Equal(0, bus.PendingCount);
        Assert.Equal(0, bus.KernelPendingCount);
    }

    [Fact(DisplayName = "A13: answers that come in the other order reach their callers")]
    public async Task Answers_out_of_order_reach_their_callers()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        Task<JsonElement>[] held = [.. Enumerable.Range(0, 20).Select(i => bus.RequestAsync("hold", new { key = $"k{i}" }))];
        string[] lines = [.. Enumerable.Range(0, 20).Reverse().Select(i => $$"""{"jsonrpc":"2.0","id":$(k{{i}}),"result":{{i}}}""")];
        await bus.RequestAsync("emit", new { lines }).Soon();
        JsonElement[] results = await Task.WhenAll(held).Soon();
        Assert.Equal(Enumerable.Range(0, 20), results.Select(result => result.GetInt32()));
        Assert.Equal(0, bus.PendingCount);
    }

    [Fact(DisplayName = "L12: 5,000 requests in a burst are all answered")]
    public async Task A_burst_of_5000_requests_is_answered()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        JsonElement[] results = await Task.WhenAll(Enumerable.Range(0, 5000).Select(i => bus.RequestAsync("echo", new { i }))).Soon();
        Assert.Equal(Enumerable.Range(0, 5000), results.Select(result => result.GetProperty("i").GetInt32()));
        Assert.Equal(0, bus.PendingCount);
        Assert.Equal(0, bus.KernelPendingCount);
    }

    [Fact(DisplayName = "A8, A13, L10: a worker's error keeps its code, data and message")]
    public async Task An_error_keeps_its_code_data_and_message()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var error = await Assert.ThrowsAsync<BusRpcException>(() => bus.RequestAsync("fail", new { code = -32001, message = "nope", data = new { a = 1 } }).Soon());
        Assert.Equal((-32001, "nope", """{"a":1}""", "fail", "test", 0), (error.RpcCode, error.Message, error.RpcData?.ToString(), error.Method, error.Pool, error.WorkerId));
        Assert.False(error.IsRetryable);
        Assert.Equal(0, bus.PendingCount);
    }
}
