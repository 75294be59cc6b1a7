using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DemoAgent;

/// <summary>An error answer: a handler throws it to choose the code.</summary>
internal sealed class JsonRpcException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>
/// Reads lines, calls the handler of each method, writes one answer for each request. Handlers run side by side, so
/// that a notification (a cancellation, say) is heard while a long request is still at work.
/// </summary>
internal sealed class JsonRpcConnection(Stream input, Stream output) : IDisposable
{
    private const int ParseError = -32700;
    private const int InvalidRequest = -32600;
    private const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    private const int InternalError = -32603;

    private static readonly JsonSerializerOptions Wire = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly StreamReader _reader = new(input, Utf8);
    private readonly StreamWriter _writer = new(output, Utf8) { NewLine = "\n" };
    private readonly Lock _writing = new();
    private readonly CancellationTokenSource _closed = new();

    public Dictionary<string, Func<JsonObject, CancellationToken, Task<JsonNode?>>> Requests { get; } = [];

    public Dictionary<string, Action<JsonObject>> Notifications { get; } = [];

    /// <summary>Serves until the input ends; requests still at work are cancelled then.</summary>
    public async Task RunAsync()
    {
        while (await _reader.ReadLineAsync() is { } line)
            if (line.Length > 0)
                Receive(line);
        await _closed.CancelAsync();
    }

    /// <summary>Sends a notification: a message without an id, which nobody answers.</summary>
    public void Notify(string method, JsonObject parameters) =>
        Write(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters });

    public void Dispose()
    {
        _closed.Dispose();
        _reader.Dispose();
        _writer.Dispose();
    }

    private void Receive(string line)
    {
        JsonObject? message;
        try
        {
            message = JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException e)
        {
            WriteError(null, ParseError, $"Not JSON: {e.Message}");
            return;
        }

        if (message?["method"] is not JsonValue name || !name.TryGetValue(out string? method))
        {
            WriteError(message?["id"], InvalidRequest, "A message is an object with a method.");
            return;
        }

        var parameters = message["params"] as JsonObject ?? [];
        if (message.ContainsKey("id"))
            _ = AnswerAsync(message["id"], method, parameters);
        else if (Notifications.TryGetValue(method, out var handle))
            Hear(method, parameters, handle);
    }

    /// <summary>Nobody waits for the outcome of a notification: what goes wrong is said on stderr.</summary>
    private static void Hear(string method, JsonObject parameters, Action<JsonObject> handle)
    {
        try
        {
            handle(parameters);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"{method}: {e.Message}");
        }
    }

    private async Task AnswerAsync(JsonNode? id, string method, JsonObject parameters)
    {
        try
        {
            if (!Requests.TryGetValue(method, out var handle))
                throw new JsonRpcException(MethodNotFound, $"This worker has no method '{method}'; it has {string.Join(", ", Requests.Keys)}.");
            var result = await handle(parameters, _closed.Token);
            Write(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id?.DeepClone(), ["result"] = result });
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
            // The input has ended: nobody is there to take an answer.
        }
        catch (JsonRpcException e)
        {
            WriteError(id, e.Code, e.Message);
        }
        catch (Exception e)
        {
            WriteError(id, InternalError, e.Message);
        }
    }

    private void WriteError(JsonNode? id, int code, string message) =>
        Write(new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = id?.DeepClone(),
            ["error"] = new JsonObject { ["code"] = code, ["message"] = message },
        });

    private void Write(JsonObject message)
    {
        var line = message.ToJsonString(Wire);
        lock (_writing)
        {
            _writer.WriteLine(line);
            _writer.Flush();
        }
    }
}
