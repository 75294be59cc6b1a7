using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace DemoAgent;

/// <summary>What this worker can do. Each method takes the params of a request and returns its result.</summary>
internal sealed class Agent(JsonRpcConnection connection)
{
    private static readonly TimeSpan PerWord = TimeSpan.FromMilliseconds(60);

    /// <summary>The prompts at work, by session; a session/cancel cancels its own.</summary>
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _prompts = new();

    public Task<JsonNode?> Echo(JsonObject parameters, CancellationToken closed) => Task.FromResult<JsonNode?>(parameters.DeepClone());

    public Task<JsonNode?> Square(JsonObject parameters, CancellationToken closed)
    {
        var n = Number(parameters, "n");
        return Task.FromResult<JsonNode?>(new JsonObject { ["n"] = n, ["square"] = checked(n * n) });
    }

    public async Task<JsonNode?> Sleep(JsonObject parameters, CancellationToken closed)
    {
        var milliseconds = Number(parameters, "milliseconds");
        await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), closed);
        return new JsonObject { ["slept"] = milliseconds };
    }

    /// <summary>The handshake of ACP: this agent has no abilities beyond text.</summary>
    public Task<JsonNode?> Initialize(JsonObject parameters, CancellationToken closed) =>
        Task.FromResult<JsonNode?>(new JsonObject { ["protocolVersion"] = 1, ["agentCapabilities"] = new JsonObject(), ["authMethods"] = new JsonArray() });

    public Task<JsonNode?> NewSession(JsonObject parameters, CancellationToken closed) =>
        Task.FromResult<JsonNode?>(new JsonObject { ["sessionId"] = Guid.NewGuid().ToString("N") });

    /// <summary>
    /// Answers in the manner of an agent (ACP): the text comes word by word as notifications, then the result. A prompt that
    /// begins with "write" needs the permission of the person at the other end first.
    /// </summary>
    public async Task<JsonNode?> Prompt(JsonObject parameters, CancellationToken closed)
    {
        var session = (string?)parameters["sessionId"];
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(closed);
        if (session is not null && !_prompts.TryAdd(session, cancel))
            throw new JsonRpcException(JsonRpcConnection.InvalidParams, $"Session '{session}' is already at a prompt.");
        try
        {
            var prompt = PromptText(parameters);
            var reply = !prompt.StartsWith("write ", StringComparison.Ordinal) ? Reply(prompt)
                : await MayAsync(session, prompt, cancel.Token) ? ["I", " would", " write", " it", " now."]
                : ["I", " leave", " it."];
            foreach (var word in reply)
            {
                await Task.Delay(PerWord, cancel.Token); // an agent thinks before it writes
                connection.Notify("session/update", Chunk(session, word));
            }

            return new JsonObject { ["stopReason"] = "end_turn" };
        }
        catch (OperationCanceledException) when (!closed.IsCancellationRequested)
        {
            return new JsonObject { ["stopReason"] = "cancelled" };
        }
        finally
        {
            if (session is not null)
                _prompts.TryRemove(session, out _);
        }
    }

    public void Cancel(JsonObject parameters)
    {
        if ((string?)parameters["sessionId"] is not { } session || !_prompts.TryGetValue(session, out var prompt))
            return;
        try
        {
            prompt.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It came to its end between the look-up and here.
        }
    }

    /// <summary>Answers at once, then sends `count` notifications named tick, one every `milliseconds`.</summary>
    public Task<JsonNode?> StartClock(JsonObject parameters, CancellationToken closed)
    {
        var count = Number(parameters, "count");
        _ = TickAsync(count, TimeSpan.FromMilliseconds(Number(parameters, "milliseconds", atLeast: 1)), closed);
        return Task.FromResult<JsonNode?>(new JsonObject { ["ticks"] = count });
    }

    private async Task TickAsync(long count, TimeSpan interval, CancellationToken closed)
    {
        using var timer = new PeriodicTimer(interval);
        for (var n = 1L; n <= count && await timer.WaitForNextTickAsync(closed); n++)
            connection.Notify("tick", new JsonObject { ["n"] = n, ["pid"] = Environment.ProcessId });
    }

    private async Task<bool> MayAsync(string? session, string what, CancellationToken stopped)
    {
        var answer = await connection.AskAsync("session/request_permission", new JsonObject
        {
            ["sessionId"] = session,
            ["toolCall"] = new JsonObject { ["toolCallId"] = "write-1", ["title"] = what, ["kind"] = "edit" },
            ["options"] = new JsonArray(
                new JsonObject { ["optionId"] = "yes", ["name"] = "Allow", ["kind"] = "allow_once" },
                new JsonObject { ["optionId"] = "no", ["name"] = "Reject", ["kind"] = "reject_once" }),
        }, stopped);
        return (string?)answer?["outcome"]?["optionId"] == "yes";
    }

    private static IEnumerable<string> Reply(string prompt)
    {
        var words = prompt.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var longest = words.MaxBy(word => word.Length) ?? "";
        var text = $"You gave me {words.Length} words. The longest is \"{longest}\". Backwards they read: {string.Join(' ', words.Reverse())}.";
        return text.Split(' ').Select((word, i) => i == 0 ? word : " " + word);
    }

    /// <summary>A prompt is a string, or a list of content blocks as in ACP, of which the text ones count.</summary>
    private static string PromptText(JsonObject parameters) => parameters["prompt"] switch
    {
        JsonValue value when value.TryGetValue(out string? text) => text,
        JsonArray blocks => string.Join(' ', blocks.OfType<JsonObject>().Select(block => (string?)block["text"]).OfType<string>()),
        _ => throw new JsonRpcException(JsonRpcConnection.InvalidParams, "The member 'prompt' must be a string or a list of content blocks."),
    };

    private static JsonObject Chunk(string? session, string text)
    {
        var parameters = new JsonObject
        {
            ["update"] = new JsonObject
            {
                ["sessionUpdate"] = "agent_message_chunk",
                ["content"] = new JsonObject { ["type"] = "text", ["text"] = text },
            },
        };
        if (session is not null)
            parameters.Insert(0, "sessionId", session);
        return parameters;
    }

    private static long Number(JsonObject parameters, string name, long atLeast = 0) =>
        parameters[name] is JsonValue value && value.TryGetValue(out long number) && number >= atLeast
            ? number
            : throw new JsonRpcException(JsonRpcConnection.InvalidParams, $"The member '{name}' must be a whole number from {atLeast}.");
}
