using System.Buffers;
using System.Text;
using System.Text.Json;

namespace StdioBus.TestWorker;

/// <summary>
/// Mode <c>kit</c>: one worker whose methods let a test say what happens and when. It reads and writes on one thread, so
/// the order of its lines is the order of what it was told.
/// <list type="table">
/// <item><term>echo</term><description>answers with its params, byte for byte; null when there are none</description></item>
/// <item><term>fail {code, message, data?}</term><description>answers with that JSON-RPC error</description></item>
/// <item><term>fail-on {bad, n, …}</term><description>an error when n equals bad, else its params</description></item>
/// <item><term>hold {…}</term><description>answers with its params at the next <c>release</c>, or never</description></item>
/// <item><term>maybe {hold?, …}</term><description>as hold when hold is true, else as echo</description></item>
/// <item><term>reverse {of, …}</term><description>once so many of these are held, answers them with their params, the last first</description></item>
/// <item><term>release</term><description>answers all held requests, then this one with their number; as a notification too</description></item>
/// <item><term>held {n}</term><description>answers when n requests are held</description></item>
/// <item><term>cancelled {n}</term><description>answers when n cancellations were heard, with the ids</description></item>
/// <item><term>notify {method, params?, count?}</term><description>sends notifications, then answers with count</description></item>
/// <item><term>stream {sessionId?, chunks, gate?}</term><description>sends each chunk as an ACP message chunk; with gate, one now and one
/// more at each <c>step</c> (request or notification); then answers {stopReason}</description></item>
/// <item><term>progress {steps}</term><description>MCP progress notifications for the token of the call, then the result</description></item>
/// <item><term>ask {method, params?, count?}</term><description>sends that request, count times at once, and answers with the answers as they
/// came: one message, or a list of them when there is a count</description></item>
/// <item><term>retract</term><description>cancels what was asked and not answered yet; as a notification too</description></item>
/// <item><term>exit {code, stderr?}</term><description>writes the line to stderr and exits</description></item>
/// <item><term>about</term><description>{pid, cwd, args, env (of the variable KIT)}</description></item>
/// <item><term>received</term><description>the methods of the notifications heard so far, other than the above</description></item>
/// </list>
/// </summary>
internal sealed class ModeKit(Stream input, Stream output, string[] arguments)
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 2000 };

    private readonly List<(string Id, string Result)> _held = [];
    private readonly Stack<(string Id, string Result)> _reversed = [];
    private readonly List<string> _cancelled = [];
    private readonly List<string> _received = [];
    private readonly List<GatedStream> _streams = [];
    private readonly List<(string Id, int Count)> _waitForCancelled = [];
    private readonly List<(string Id, int Count)> _waitForHeld = [];
    private readonly List<Question> _questions = [];
    private readonly ArrayBufferWriter<byte> _line = new();
    private int _lastQuestion;

    private sealed record Question(string Id, bool IsList, List<string> Open, List<string> Answers);

    private sealed record GatedStream(string Id, string? Session, Queue<string> Chunks);

    public static int Run(Stream input, Stream output, string[] arguments) => new ModeKit(input, output, arguments).Serve();

    private int Serve()
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false), false, 1 << 16);
        while (reader.ReadLine() is string line)
        {
            using JsonDocument message = JsonDocument.Parse(line, Deep);
            JsonElement root = message.RootElement;
            if (!root.TryGetProperty("method", out JsonElement method))
            {
                HearAnswer(root);
                continue;
            }

            string? id = root.TryGetProperty("id", out JsonElement given) ? given.GetRawText() : null;
            root.TryGetProperty("params", out JsonElement values);
            if (Handle(method.GetString()!, id, values) is int exitCode)
                return exitCode;
        }

        return 0;
    }

    private int? Handle(string method, string? id, JsonElement values)
    {
        switch (method)
        {
            case "echo":
                Answer(id, Text(values));
                break;
            case "fail":
                AnswerError(id, values);
                break;
            case "fail-on" when values.GetProperty("n").GetRawText() == values.GetProperty("bad").GetRawText():
                AnswerError(id, JsonDocument.Parse("""{"code":-32050,"message":"bad number"}""").RootElement);
                break;
            case "fail-on":
                Answer(id, Text(values));
                break;
            case "hold":
                _held.Add((id!, Text(values)));
                SettleWaits();
                break;
            case "maybe" when !values.TryGetProperty("hold", out _):
                Answer(id, Text(values));
                break;
            case "maybe":
                goto case "hold";
            case "reverse":
                _reversed.Push((id!, Text(values)));
                if (_reversed.Count < values.GetProperty("of").GetInt32())
                    break;

                foreach ((string waiting, string result) in _reversed)
                    Answer(waiting, result);

                _reversed.Clear();

                break;
            case "held":
                _waitForHeld.Add((id!, values.GetProperty("n").GetInt32()));
                SettleWaits();
                break;
            case "release":
                foreach ((string held, string result) in _held)
                    Answer(held, result);

                Answer(id, $"{_held.Count}");
                _held.Clear();
                break;
            case "cancelled":
                _waitForCancelled.Add((id!, values.GetProperty("n").GetInt32()));
                SettleWaits();
                break;
            case "$/cancelRequest":
                HearCancellation(values.GetProperty("id").GetRawText());
                break;
            case "notifications/cancelled":
                HearCancellation(values.GetProperty("requestId").GetRawText());
                break;
            case "session/cancel":
                HearCancellation(values.GetProperty("sessionId").GetRawText());
                break;
            case "notify":
                Notify(id, values);
                break;
            case "stream":
                Stream(id!, values);
                break;
            case "step":
                foreach (GatedStream stream in _streams.ToArray())
                    Advance(stream);

                Answer(id, "true");
                break;
            case "progress":
                Progress(id!, values);
                break;
            case "ask":
                Ask(id!, values);
                break;
            case "retract":
                foreach (string question in _questions.SelectMany(one => one.Open))
                    Line($"{{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{{\"id\":\"{question}\"}}}}");

                Answer(id, "true");
                break;
            case "exit":
                if (values.TryGetProperty("stderr", out JsonElement last))
                    Console.Error.WriteLine(last.GetString());

                return values.GetProperty("code").GetInt32();
            case "about":
                Answer(id, JsonSerializer.Serialize(new
                {
                    pid = Environment.ProcessId,
                    cwd = Environment.CurrentDirectory,
                    args = arguments,
                    env = Environment.GetEnvironmentVariable("KIT"),
                }));
                break;
            case "received":
                Answer(id, JsonSerializer.Serialize(_received));
                break;
            default:
                if (id is null)
                    _received.Add(method);
                else
                    AnswerError(id, JsonDocument.Parse("""{"code":-32601,"message":"no such method"}""").RootElement);

                break;
        }

        return null;
    }

    private void HearCancellation(string id)
    {
        _cancelled.Add(id);
        _held.RemoveAll(one => one.Id == id);
        _streams.RemoveAll(one => one.Id == id);
        SettleWaits();
    }

    private void SettleWaits()
    {
        foreach ((string id, int count) wait in _waitForCancelled.Where(wait => _cancelled.Count >= wait.Count).ToArray())
        {
            _waitForCancelled.Remove(wait);
            Answer(wait.id, $"[{string.Join(',', _cancelled)}]");
        }

        foreach ((string id, int count) wait in _waitForHeld.Where(wait => _held.Count >= wait.Count).ToArray())
        {
            _waitForHeld.Remove(wait);
            Answer(wait.id, $"{_held.Count}");
        }
    }

    private void Notify(string? id, JsonElement values)
    {
        int count = values.TryGetProperty("count", out JsonElement number) ? number.GetInt32() : 1;
        string method = values.GetProperty("method").GetRawText();
        string parameters = values.TryGetProperty("params", out JsonElement given) ? $",\"params\":{given.GetRawText()}" : "";
        for (int i = 0; i < count; i++)
            Line($"{{\"jsonrpc\":\"2.0\",\"method\":{method}{parameters.Replace("\"$i\"", $"{i}", StringComparison.Ordinal)}}}");

        Answer(id, $"{count}");
    }

    private void Stream(string id, JsonElement values)
    {
        var chunks = new Queue<string>(values.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetRawText()));
        string? session = values.TryGetProperty("sessionId", out JsonElement given) ? given.GetRawText() : null;
        var stream = new GatedStream(id, session, chunks);
        _streams.Add(stream);
        bool gated = values.TryGetProperty("gate", out JsonElement gate) && gate.GetBoolean();
        do
            Advance(stream);
        while (!gated && _streams.Contains(stream));
    }

    private void Advance(GatedStream stream)
    {
        if (stream.Chunks.TryDequeue(out string? chunk))
        {
            string session = stream.Session is null ? "" : $"\"sessionId\":{stream.Session},";
            Line($"{{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{{{session}\"update\":{{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{{\"type\":\"text\",\"text\":{chunk}}}}}}}}}");
            return;
        }

        _streams.Remove(stream);
        Answer(stream.Id, """{"stopReason":"end_turn"}""");
    }

    private void Progress(string id, JsonElement values)
    {
        int steps = values.GetProperty("steps").GetInt32();
        bool asked = values.TryGetProperty("_meta", out JsonElement meta) && meta.TryGetProperty("progressToken", out _);
        for (int i = 1; asked && i <= steps; i++)
        {
            string token = meta.GetProperty("progressToken").GetRawText();
            Line($"{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\"progress\":{i},\"total\":{steps},\"message\":\"step {i}\"}}}}");
        }

        Answer(id, $"{{\"steps\":{steps},\"asked\":{(asked ? "true" : "false")}}}");
    }

    private void Ask(string id, JsonElement values)
    {
        bool isList = values.TryGetProperty("count", out JsonElement number);
        string parameters = values.TryGetProperty("params", out JsonElement given) ? $",\"params\":{given.GetRawText()}" : "";
        var question = new Question(id, isList, [], []);
        _questions.Add(question);
        for (int i = isList ? number.GetInt32() : 1; i > 0; i--)
        {
            string asked = $"ask-{++_lastQuestion}";
            question.Open.Add(asked);
            Line($"{{\"jsonrpc\":\"2.0\",\"id\":\"{asked}\",\"method\":{values.GetProperty("method").GetRawText()}{parameters}}}");
        }
    }

    private void HearAnswer(JsonElement message)
    {
        string? id = message.GetProperty("id").GetString();
        if (_questions.Find(one => one.Open.Contains(id!)) is not Question question)
            return;

        question.Open.Remove(id!);
        question.Answers.Add(message.GetRawText());
        if (question.Open.Count > 0)
            return;

        _questions.Remove(question);
        Answer(question.Id, question.IsList ? $"[{string.Join(',', question.Answers)}]" : question.Answers[0]);
    }

    private void Answer(string? id, string result)
    {
        if (id is not null)
            Line($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}");
    }

    private void AnswerError(string? id, JsonElement error)
    {
        if (id is not null)
            Line($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error.GetRawText()}}}");
    }

    private static string Text(JsonElement values) => values.ValueKind == JsonValueKind.Undefined ? "null" : values.GetRawText();

    private void Line(string json)
    {
        _line.ResetWrittenCount();
        Encoding.UTF8.GetBytes(json, _line);
        _line.Write("\n"u8);
        output.Write(_line.WrittenSpan);
        output.Flush();
    }
}
