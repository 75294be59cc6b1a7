using System.Buffers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace StdioBus.TestWorker;

/// <summary>Serves the methods that the top of Program.cs lists.</summary>
internal sealed partial class Service
{
    private static readonly JsonReaderOptions Deep = new() { MaxDepth = 2000 };
    private readonly Dictionary<string, string> _held = [];
    private readonly Dictionary<string, string> _heldPrompts = [];
    private readonly List<string> _seen = [];
    private readonly List<string> _heard = [];
    private readonly ArrayBufferWriter<byte> _answers = new();
    private string? _asking;
    private (string Id, int Count)? _hearing;

    public void Run()
    {
        while (Lines.Read() is { } line)
        {
            Serve(line);

            // Answers to a burst leave together.
            if (!Lines.HasMore || _answers.WrittenCount > 64 * 1024)
                Flush();
        }

        Flush();
    }

    private void Serve(ReadOnlyMemory<byte> line)
    {
        var reader = new Utf8JsonReader(line.Span, Deep);
        using var document = JsonDocument.ParseValue(ref reader);
        JsonElement message = document.RootElement;
        string? id = message.TryGetProperty("id", out JsonElement rawId) ? rawId.GetRawText() : null;
        if (!message.TryGetProperty("method", out JsonElement method))
        {
            Hear(line.Span);
            return;
        }

        if (id is null)
            _seen.Add(Encoding.UTF8.GetString(line.Span));
        JsonElement parameters = message.TryGetProperty("params", out JsonElement given) ? given : default;
        Serve(method.GetString()!, id, parameters, line.Span);
    }

    // An answer to a request of this worker's own.
    private void Hear(ReadOnlySpan<byte> line)
    {
        _heard.Add(Quote(line));
        if (_asking is null && _hearing is null)
            return;
        Answer(_asking, Quote(line));
        _asking = null;
        TellHeard();
    }

    private void TellHeard()
    {
        if (_hearing is not { } hearing || _heard.Count < hearing.Count)
            return;
        _hearing = null;
        Answer(hearing.Id, $"[{string.Join(',', _heard)}]");
    }

    private void Serve(string method, string? id, JsonElement parameters, ReadOnlySpan<byte> line)
    {
        switch (method)
        {
            case "echo":
                Answer(id, parameters.ValueKind == JsonValueKind.Undefined ? "null" : parameters.GetRawText());
                break;
            case "wire":
                Answer(id, Quote(line));
                break;
            case "length":
                Answer(id, line.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            case "fill":
                Answer(id, $"\"{new string('x', parameters.GetProperty("bytes").GetInt32() - Around(id) - 2)}\"");
                break;
            case "pid":
                Answer(id, $"{{\"pid\":{Environment.ProcessId}}}");
                break;
            case "descendant":
                Answer(id, $"{{\"pid\":{StartDescendant()}}}");
                break;
            case "variables":
                Answer(id, $"[{string.Join(',', parameters.GetProperty("names").EnumerateArray().Select(name => Environment.GetEnvironmentVariable(name.GetString()!) is { } value ? Quote(Encoding.UTF8.GetBytes(value)) : "null"))}]");
                break;
            case "initialize":
                Answer(id, $"{{\"protocolVersion\":{parameters.GetProperty("protocolVersion").GetRawText()}}}");
                break;
            case "stdio_bus/hello":
                Answer(id, parameters.GetProperty("protocolVersion").GetString() == "none"
                    ? "{}"
                    : $"{{\"negotiatedProtocolVersion\":{parameters.GetProperty("protocolVersion").GetRawText()},\"sessionId\":\"agent-session\",\"extensions\":{parameters.GetProperty("extensions").GetRawText()}}}");
                break;
            case "fail":
                Write($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{parameters.GetRawText()}}}\n");
                break;
            case "hold":
                _held[parameters.GetProperty("key").GetString()!] = id!;
                break;
            case "emit":
                foreach (JsonElement text in parameters.GetProperty("lines").EnumerateArray())
                    Write(_held.Aggregate(text.GetString()!, (emitted, held) => emitted.Replace($"$({held.Key})", held.Value, StringComparison.Ordinal)) + "\n");
                Answer(id, "null");
                break;
            case "session/prompt" when parameters.TryGetProperty("hold", out JsonElement hold) && hold.ValueKind == JsonValueKind.True:
                _heldPrompts[parameters.GetProperty("sessionId").GetString()!] = id!;
                break;
            case "session/cancel":
                if (_heldPrompts.Remove(parameters.GetProperty("sessionId").GetString()!, out string? prompt))
                    Answer(prompt, "{\"stopReason\":\"cancelled\"}");
                break;
            case "stream":
            case "session/prompt":
                Stream(id, parameters);
                break;
            case "flood":
                Flood(id, parameters);
                break;
            case "seen":
                Answer(id, $"[{string.Join(',', _seen.Select(text => Quote(Encoding.UTF8.GetBytes(text))))}]");
                break;
            case "ask":
                _asking = id;
                Write($"{{\"jsonrpc\":\"2.0\",\"id\":\"echo-1\",\"method\":{parameters.GetProperty("method").GetRawText()}}}\n");
                break;
            case "heard":
                _hearing = (id!, parameters.GetProperty("count").GetInt32());
                TellHeard();
                break;
            case "sleep":
                _ = Task.Delay(parameters.GetProperty("ms").GetInt32()).ContinueWith(_ => Lines.Write($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":null}}\n"), TaskScheduler.Default);
                break;
            case "stderr":
                foreach (JsonElement text in parameters.GetProperty("lines").EnumerateArray())
                    Console.Error.WriteLine(text.GetString());
                Answer(id, "null");
                break;
            case "exit":
                Flush();
                if (parameters.TryGetProperty("stderr", out JsonElement last))
                    Console.Error.WriteLine(last.GetString());
                Environment.Exit(parameters.GetProperty("code").GetInt32());
                break;
            case "kill":
                Flush();
                SendSignal(Environment.ProcessId, parameters.GetProperty("signal").GetInt32());
                break;
            default:
                if (id is not null)
                    Write($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32601,\"message\":\"Method not found\"}}}}\n");
                break;
        }
    }

    // Its process id; it is ready when its first line is there. On Windows there is no SIGTERM to ignore.
    private static int StartDescendant()
    {
        if (OperatingSystem.IsWindows())
        {
            using Process other = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["never-reads"]))!;
            return other.Id;
        }

        var start = new ProcessStartInfo("/bin/sh", ["-c", "trap '' TERM; echo ready; exec sleep 300"]) { RedirectStandardOutput = true };
        using Process descendant = Process.Start(start)!;
        descendant.StandardOutput.ReadLine();
        return descendant.Id;
    }

    private void Stream(string? id, JsonElement parameters)
    {
        int count = parameters.TryGetProperty("count", out JsonElement given) ? given.GetInt32() : 3;
        string text = parameters.TryGetProperty("text", out JsonElement wanted) ? wanted.GetString()! : "chunk";
        string pad = parameters.TryGetProperty("size", out JsonElement size) ? new string('.', size.GetInt32()) : "";
        string session = parameters.TryGetProperty("sessionId", out JsonElement named) ? $"\"sessionId\":{named.GetRawText()}," : "";
        for (int i = 1; i <= count; i++)
            Write($"{{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{{{session}\"update\":{{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{{\"type\":\"text\",\"text\":{Quote(Encoding.UTF8.GetBytes($"{text}{i} {pad}"))}}}}}}}}}\n");
        Answer(id, $"{{\"chunks\":{count}}}");
    }

    private void Flood(string? id, JsonElement parameters)
    {
        int count = parameters.GetProperty("count").GetInt32();
        string method = parameters.GetProperty("method").GetRawText();
        string pad = parameters.TryGetProperty("size", out JsonElement size) ? new string('.', size.GetInt32()) : "";
        for (int i = 1; i <= count; i++)
            Write($"{{\"jsonrpc\":\"2.0\",\"method\":{method},\"params\":{{\"n\":{i},\"pad\":\"{pad}\"}}}}\n");
        Answer(id, $"{{\"sent\":{count}}}");
    }

    private void Answer(string? id, string result)
    {
        if (id is not null)
            Write($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
    }

    // How many bytes an answer's line has around its result.
    private static int Around(string? id) => $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":}}".Length;

    private static string Quote(ReadOnlySpan<byte> text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private void Write(string text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        _answers.Advance(Encoding.UTF8.GetBytes(text, _answers.GetSpan(most)));
        if (_answers.WrittenCount > 256 * 1024)
            Flush();
    }

    private void Flush()
    {
        Lines.Write(_answers.WrittenSpan);
        _answers.ResetWrittenCount();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
