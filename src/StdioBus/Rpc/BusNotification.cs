namespace StdioBus;

/// <summary>A one-way message from a worker.</summary>
public sealed class BusNotification
{
    private readonly ReceivedMessage _message;
    private readonly JsonReader _reader;
    private readonly Lazy<object?> _params;

    internal BusNotification(ReceivedMessage message, JsonReader reader)
    {
        _message = message;
        _reader = reader;
        _params = new Lazy<object?>(() => _message.ReadParams(_reader));
    }

    /// <summary>Its method.</summary>
    public string Method => _message.Method;

    /// <summary>Its parameters, made when first asked for; null when it has none.</summary>
    public object? Params => _params.Value;

    /// <summary>Its session; null for none.</summary>
    public string? SessionId => _message.SessionId;

    /// <summary>The pool of the worker that sent it; empty when that is not known.</summary>
    public string Pool => _message.Pool;

    /// <summary>The worker that sent it; −1 when that is not known.</summary>
    public int WorkerId => _message.WorkerId;

    /// <summary>Its number among the notifications of its bus, from 1, in the order of arrival.</summary>
    public long Sequence => _message.Sequence;

    /// <summary>When it arrived.</summary>
    public DateTimeOffset ReceivedAt => _message.ReceivedAt;

    /// <summary>The whole message as JSON text, made when asked for.</summary>
    public string Raw => _message.Text;

    /// <summary>The method and where it came from.</summary>
    public override string ToString() => $"{Method} (worker {WorkerId} of pool '{Pool}')";
}
