using System.Collections.Concurrent;
using System.Text.Json;

namespace StdioBus;

/// <summary>Two streams to a daemon.</summary>
/// <param name="Input">What it sends.</param>
/// <param name="Output">What it is sent.</param>
/// <param name="CloseOutput">Tells it that no more will be sent.</param>
internal readonly record struct DaemonLink(Stream Input, Stream Output, Action CloseOutput);

/// <summary>What a connection tells, on its reading thread.</summary>
internal interface IDaemonListener
{
    /// <summary>A message of a worker, or an answer of the bus to a message from here; valid during the call.</summary>
    void OnMessage(in IncomingMessage message);

    /// <summary>A notification of the bus itself.</summary>
    /// <param name="method">Its method, without <c>stdio_bus/</c>.</param>
    /// <param name="json">The message.</param>
    /// <param name="parameters">Its params.</param>
    void OnReport(string method, ReadOnlySpan<byte> json, JsonSlice parameters);

    /// <summary>All lines that there were for now have been told.</summary>
    void OnTurnEnd();

    /// <summary>No further line will come. Without an error the other side closed.</summary>
    void OnEnd(Exception? error);
}

/// <summary>
/// An annotated connection to a daemon over two streams: lines of workers, and questions to the bus with their answers.
/// One thread reads, another writes.
/// </summary>
internal sealed class DaemonConnection
{
    // What a daemon may add to the longest line: where it comes from, and the session put back.
    private const int Annotation = 64 * 1024;

    private readonly CallIds _questionIds = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _questions = new();
    private readonly LineReader _reader;
    private readonly LineWriter _writer;
    private readonly Thread _thread;
    private readonly IDaemonListener _listener;
    private readonly long _longest;
    private volatile Exception? _failure;
    private volatile bool _isOver;

    /// <summary>Makes one; <see cref="Start"/> lets it read and write.</summary>
    /// <param name="link">To the daemon.</param>
    /// <param name="limits">The longest message, and how much may wait to be sent.</param>
    /// <param name="name">The bus's name, for the threads.</param>
    /// <param name="listener">Told what comes.</param>
    public DaemonConnection(in DaemonLink link, BusLimits? limits, string name, IDaemonListener listener)
    {
        _longest = limits?.MaxInputBuffer ?? BusLimits.DefaultMaxInputBuffer;
        _listener = listener;
        _reader = new LineReader(link.Input, (int)Math.Min(_longest + Annotation, Array.MaxLength - 1));
        _writer = new LineWriter(link.Output, link.CloseOutput, limits?.MaxOutputQueue ?? 4 * BusLimits.DefaultMaxInputBuffer, $"StdioBus send: {name}", error => _failure ??= error);
        _thread = new Thread(Run) { IsBackground = true, Name = $"StdioBus loop: {name}" };
    }

    /// <summary>Whether the current thread is the one that calls the listener.</summary>
    public bool IsReadingThread => Thread.CurrentThread == _thread;

    /// <summary>Begins to read and to write.</summary>
    public void Start()
    {
        _writer.Start();
        _thread.Start();
    }

    /// <summary>Waits for the end of both threads; false when it did not come in time.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience) && _writer.Join(patience);

    /// <summary>Takes a message for a worker, or says why not; then it is still the caller's.</summary>
    public StdioBusException? Send(in OutgoingMessage message, bool canWait)
    {
        ReadOnlySpan<byte> json = message.Buffer.AsSpan(0, message.Length);
        int start = JsonScan.SkipSpace(json, 0);
        if (start >= json.Length || json[start] != (byte)'{')
            return KernelCode.OfSend(KernelCode.Invalid, KernelCode.Text(KernelCode.Invalid));
        return message.Length > _longest
            ? KernelCode.OfSend(KernelCode.Buffer, $"it has {message.Length} bytes, more than the limit max_input_buffer ({_longest})")
            : _writer.Add(message, hasRoute: true, canWait);
    }

    /// <summary>Lets what waits leave.</summary>
    public void Flush() => _writer.Flush();

    /// <summary>Takes no more; once all is written, the output is closed.</summary>
    public void FinishWriting() => _writer.Finish();

    /// <summary>Asks the bus, and gives its answer.</summary>
    /// <param name="method">What to ask.</param>
    /// <param name="parameters">Its params, one JSON object; null for none.</param>
    /// <exception cref="StdioBusException">The answer is an error, or the connection ended.</exception>
    public Task<JsonElement> AskAsync(string method, string? parameters = null)
    {
        long id = _questionIds.Next();
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions[id] = answer;
        var text = new ByteBuffer();
        text.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        _questionIds.Write(text, id);
        WriteRest(text, method, parameters);
        if (Add(text, hasToFit: true) is { } refused && _questions.TryRemove(id, out _))
            answer.SetException(refused);
        else if (_isOver)
            FailQuestions();
        return answer.Task;
    }

    /// <summary>Tells the bus something that it does not answer.</summary>
    public void Tell(string method, string parameters)
    {
        var text = new ByteBuffer();
        text.Write("{\"jsonrpc\":\"2.0\""u8);
        WriteRest(text, method, parameters);

        // Few and short, and nobody would tell it again: a queue that is full does not keep it out. Without a connection
        // there is nothing left to tell.
        _ = Add(text, hasToFit: false);
    }

    private static void WriteRest(ByteBuffer text, string method, string? parameters)
    {
        text.Write(",\"method\":\"stdio_bus/"u8);
        text.Write(System.Text.Encoding.ASCII.GetBytes(method));
        text.WriteByte((byte)'"');
        if (parameters is not null)
        {
            text.Write(",\"params\":"u8);
            text.Write(System.Text.Encoding.UTF8.GetBytes(parameters));
        }

        text.WriteByte((byte)'}');
    }

    private StdioBusException? Add(ByteBuffer text, bool hasToFit)
    {
        int length = text.Length;
        byte[] buffer = text.Detach();
        StdioBusException? refused = _writer.Add(new OutgoingMessage(buffer, length), hasRoute: false, canWait: false, hasToFit);
        if (refused is not null)
            MessageArrays.Return(buffer);
        return refused;
    }

    private void Run()
    {
        try
        {
            do
            {
                while (_reader.TryTake(out Span<byte> line))
                    Take(line);
                _listener.OnTurnEnd();
            }
            while (_reader.Read());
        }
        catch (Exception error)
        {
            _failure ??= error;
        }

        _isOver = true;
        _writer.Finish();
        FailQuestions();
        _listener.OnEnd(_failure);
    }

    private void Take(Span<byte> line)
    {
        ReadOnlySpan<byte> json = BusLine.TakeOff(line, out int worker);
        if (worker >= 0)
        {
            _listener.OnMessage(new IncomingMessage(json, worker, fromKernel: false));
            return;
        }

        // Without an annotation it came before the daemon knew that we want one, from the bus or from a worker.
        bool isAnnotated = !json.IsEmpty;
        if (!isAnnotated)
            json = line;
        MessageView view = MessageView.Read(json);
        if (view.Method.IsString(json))
        {
            string method = JsonStrings.Decode(view.Method.Of(json));
            if (isAnnotated && method.StartsWith("stdio_bus/", StringComparison.Ordinal))
                _listener.OnReport(method["stdio_bus/".Length..], json, view.Params);
            else
                _listener.OnMessage(new IncomingMessage(json, -1, fromKernel: isAnnotated));
        }
        else if (view.Id.IsPresent && _questionIds.Read(view.Id.Of(json)) is > 0 and long id)
        {
            if (_questions.TryRemove(id, out TaskCompletionSource<JsonElement>? question))
                Answer(question, json, view);
        }
        else if (!isAnnotated && view.Error.IsPresent)
        {
            // Who may not come in is told so without an id, and the connection is closed.
            _failure ??= ReadError(json, view);
        }
        else
        {
            _listener.OnMessage(new IncomingMessage(json, -1, fromKernel: isAnnotated));
        }
    }

    private static void Answer(TaskCompletionSource<JsonElement> question, ReadOnlySpan<byte> json, in MessageView view)
    {
        if (view.Result.IsPresent)
        {
            question.SetResult(JsonElements.Parse(view.Result.Of(json)));
            return;
        }

        question.SetException(ReadError(json, view));
    }

    private static StdioBusException ReadError(ReadOnlySpan<byte> json, in MessageView view)
    {
        JsonElement error = view.Error.IsPresent ? JsonElements.Parse(view.Error.Of(json)) : default;
        int code = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out JsonElement number) && number.TryGetInt32(out int known) ? known : 0;
        string message = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out JsonElement text) ? text.ToString() : "no reason given";
        if (error.ValueKind == JsonValueKind.Object && error.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("reason", out JsonElement reason))
            message = $"{message}: {reason}";
        StdioBusException failure = BusError.Create(RpcErrorCode.OfKernel(code), $"The daemon answers: {message} ({code}).");
        failure.RpcCode = code;
        return failure;
    }

    private void FailQuestions()
    {
        foreach (long id in _questions.Keys)
            if (_questions.TryRemove(id, out TaskCompletionSource<JsonElement>? question))
                question.SetException(_failure is StdioBusException { RpcCode: not null } refusal ? refusal : new BusTransportException("The connection to the daemon ended before it answered.", _failure));
    }
}
