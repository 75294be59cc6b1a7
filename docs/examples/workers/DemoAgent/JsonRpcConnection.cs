using System.Collections.Concurrent;
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
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode?>> _asked = new();
    private int _lastAsked;

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

    /// <summary>Asks the client and gives its result; an error that it answers with is thrown.</summary>
    public async Task<JsonNode?> AskAsync(string method, JsonObject parameters, CancellationToken stopped)
    {
        var id = $"ask-{Interlocked.Increment(ref _lastAsked)}";
        var answer = new TaskCompletionSource<JsonNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        try
        {
            Write(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = parameters });
            return await answer.Task.WaitAsync(stopped);
        }
        finally
        {
            _asked.TryRemove(id, out _);
        }
    }

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

        if (message is not null && !message.ContainsKey("method") && (message.ContainsKey("result") || message.ContainsKey("error")))
        {
            TakeAnswer(message);
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

    private void TakeAnswer(JsonObject answer)
    {
        if (answer["id"] is not JsonValue id || !id.TryGetValue(out string? asked) || !_asked.TryRemove(asked, out var waiting))
            Console.Error.WriteLine("An answer that nobody waits for was passed over.");
        else if (answer["error"] is JsonObject error)
            waiting.SetException(new JsonRpcException((int?)error["code"] ?? InternalError, (string?)error["message"] ?? "It was not said why."));
        else
            waiting.SetResult(answer["result"]?.DeepClone());
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
