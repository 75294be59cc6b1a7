using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a real MCP server asks its client.</summary>
public sealed class McpHandlerTests
{
    [Fact(DisplayName = "L3, L30: a real MCP server gets the roots it asks for right after initialized, and tells of them")]
    public async Task A_server_gets_its_roots()
    {
        BusOptions options = TestWorkers.Options(McpServers.Everything());
        options.Roots = [new BusRoot("file:///tmp/one", "one"), new BusRoot("file:///tmp/two")];
        await using Bus bus = await TestWorkers.StartAsync(options);
        using BusSubscription log = bus.Subscribe(new() { Method = "notifications/message" });
        await Initialize(bus, new { roots = new { } });
        while (!(await log.ReadAsync().Soon())!.Raw.Contains("Roots updated: 2 root(s) received from client", StringComparison.Ordinal))
        {
        }

        JsonElement tool = await bus.RequestAsync("tools/call", new { name = "get-roots-list", arguments = new { } }).Soon();
        string text = tool.GetProperty("content")[0].GetProperty("text").GetString()!;
        Assert.Contains("file:///tmp/one", text, StringComparison.Ordinal);
        Assert.Contains("file:///tmp/two", text, StringComparison.Ordinal);
        Assert.Equal((1, 0), (bus.Statistics.WorkerRequests, bus.Statistics.RefusedWorkerRequests));
    }

    [Fact(DisplayName = "L3: a real MCP server samples through a handler while its own tool call waits for it")]
    public async Task A_server_samples_through_a_handler()
    {
        await using Bus bus = await TestWorkers.StartAsync(McpServers.Everything());
        bus.Handle("sampling/createMessage", (request, _) => Task.FromResult<object?>(new
        {
            role = "assistant",
            model = "test",
            content = new { type = "text", text = "heard: " + ((JsonElement)request.Params!).GetProperty("messages")[0].GetProperty("content").GetProperty("text").GetString() },
        }));
        await Initialize(bus, new { sampling = new { } });
        JsonElement tool = await bus.RequestAsync("tools/call", new { name = "trigger-sampling-request", arguments = new { prompt = "a word", maxTokens = 5 } }).Soon();
        Assert.Contains("heard: ", tool.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("a word", tool.GetRawText(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "L3: a real MCP server is told at once that nobody answers")]
    public async Task A_server_is_refused_at_once()
    {
        await using Bus bus = await TestWorkers.StartAsync(McpServers.Everything());
        await Initialize(bus, new { sampling = new { } });
        JsonElement tool = await bus.RequestAsync("tools/call", new { name = "trigger-sampling-request", arguments = new { prompt = "a word", maxTokens = 5 } }).Soon();
        Assert.True(tool.GetProperty("isError").GetBoolean());
        Assert.Contains("-32601", tool.GetRawText(), StringComparison.Ordinal);
    }

    private static async Task Initialize(Bus bus, object capabilities)
    {
        await bus.RequestAsync("initialize", new { protocolVersion = "2025-06-18", capabilities, clientInfo = new { name = "test", version = "1" } }).Soon();
        await bus.NotifyAsync("notifications/initialized").Soon();
    }
}
