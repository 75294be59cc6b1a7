using System.Diagnostics;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace StdioBus.Bench;

/// <summary>The official MCP client over the worker's pipes, with plain requests after its handshake.</summary>
internal sealed class McpClientContestant : IContestant
{
    private readonly Process _worker;
    private readonly McpClient _client;

    private McpClientContestant(Process worker, McpClient client) => (_worker, _client) = (worker, client);

    public static async Task<McpClientContestant> StartAsync(string path)
    {
        Process worker = WorkerProcess.Start(path, "--mcp");
        var transport = new StreamClientTransport(worker.StandardInput.BaseStream, worker.StandardOutput.BaseStream, null);
        McpClient client = await McpClient.CreateAsync(transport, new McpClientOptions { ProtocolVersion = "2025-06-18" });
        return new McpClientContestant(worker, client);
    }

    public Task RunAsync(int calls, int inFlight) => Window.RunAsync(calls, inFlight, () => _client.SendRequestAsync(
        new JsonRpcRequest { Method = "echo", Params = new JsonObject { ["message"] = "hello, worker" } }));

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await WorkerProcess.EndAsync(_worker);
    }
}
