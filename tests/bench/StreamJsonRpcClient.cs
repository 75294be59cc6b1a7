using System.Diagnostics;
using System.Text.Json;
using StreamJsonRpc;

namespace StdioBus.Bench;

/// <summary>StreamJsonRpc over the worker's pipes, with newline framing and System.Text.Json.</summary>
internal sealed class StreamJsonRpcClient : IContestant
{
    private readonly Process _worker;
    private readonly JsonRpc _rpc;

    public StreamJsonRpcClient(string worker)
    {
        _worker = WorkerProcess.Start(worker);
        _rpc = new JsonRpc(new NewLineDelimitedMessageHandler(
            _worker.StandardInput.BaseStream, _worker.StandardOutput.BaseStream, new SystemTextJsonFormatter()));
        _rpc.StartListening();
    }

    public Task RunAsync(int calls, int inFlight) => Window.RunAsync(
        calls, inFlight, () => _rpc.InvokeWithParameterObjectAsync<JsonElement>("echo", new { message = "hello, worker" }));

    public async ValueTask DisposeAsync()
    {
        await WorkerProcess.EndAsync(_worker);
        _rpc.Dispose();
    }
}
