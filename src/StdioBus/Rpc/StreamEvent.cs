using System.Text;

namespace StdioBus;

/// <summary>A piece of a streamed answer; the last one is the result.</summary>
public sealed class StreamEvent
{
    private static readonly object NotMade = new();
    private readonly ReceivedMessage? _message;
    private readonly byte[]? _result;
    private readonly JsonReader _reader;
    private object? _data = NotMade;

    internal StreamEvent(StreamEventType type, string? text, ReceivedMessage message, JsonReader reader)
    {
        Type = type;
        Text = text;
        _message = message;
        _reader = reader;
    }

    internal StreamEvent(byte[] result, JsonReader reader)
    {
        Type = StreamEventType.Result;
        _result = result;
        _reader = reader;
    }

    /// <summary>What it tells.</summary>
    public StreamEventType Type { get; }

    /// <summary>The text of a <see cref="StreamEventType.Chunk"/> or <see cref="StreamEventType.Thought"/>; else null.</summary>
    public string? Text { get; }

    /// <summary>The final object of a <see cref="StreamEventType.Result"/>, with the whole text under <c>text</c>; else null.</summary>
    public object? Result => Type == StreamEventType.Result ? Data : null;

    /// <summary>The text, the result, or the update's object, whichever applies; made when first asked for.</summary>
    public object? Data
    {
        get
        {
            object? data = Volatile.Read(ref _data);
            if (data != NotMade)
                return data;

            // Of several who ask first, all get what one of them made.
            data = Text ?? (_message is null ? _reader(_result) : _message.ReadUpdate(_reader));
            object? earlier = Interlocked.CompareExchange(ref _data, data, NotMade);
            return earlier == NotMade ? data : earlier;
        }
    }

    /// <summary>Its session; null for none.</summary>
    public string? SessionId { get; internal init; }

    /// <summary>The pool of the worker that sent it; empty when that is not known.</summary>
    public string Pool { get; internal init; } = "";

    /// <summary>The worker that sent it; −1 when that is not known.</summary>
    public int WorkerId { get; internal init; }

    /// <summary>Its number in its stream, from 1.</summary>
    public long Sequence { get; internal init; }

    /// <summary>How long after the request it arrived.</summary>
    public TimeSpan Elapsed { get; internal init; }

    /// <summary>JSON text: the whole notification, or the result alone. Made when asked for.</summary>
    public string Raw => _message?.Text ?? Encoding.UTF8.GetString(_result!);

    /// <summary>The notification's method; null of a result.</summary>
    internal string? Method => _message?.Method;

    /// <summary>Bytes it keeps alive.</summary>
    internal int Size => _message?.Length ?? _result!.Length;

    /// <summary>The text of a chunk, else the type.</summary>
    public override string ToString() => Text ?? Type.ToString();
}
