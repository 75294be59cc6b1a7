namespace StdioBus;

/// <summary>A request that a worker sent.</summary>
public sealed class BusRequest
{
    private readonly ReceivedMessage _message;
    private readonly Lazy<object?> _params;

    internal BusRequest(ReceivedMessage message, RawJson id, JsonReader reader)
    {
        _message = message;
        Id = id;
        _params = new Lazy<object?>(() => message.ReadParams(reader));
    }

    /// <summary>Its method.</summary>
    public string Method => _message.Method;

    /// <summary>Its id as JSON, as the answer will have it.</summary>
    public RawJson Id { get; }

    /// <summary>Its parameters, made when first asked for; null when it has none.</summary>
    public object? Params => _params.Value;

    /// <summary>Its session; null for none.</summary>
    public string? SessionId => _message.SessionId;

    /// <summary>The pool of the worker that sent it; empty when that is not known.</summary>
    public string Pool => _message.Pool;

    /// <summary>The worker that sent it; −1 when that is not known.</summary>
    public int WorkerId => _message.WorkerId;

    /// <summary>When it arrived.</summary>
    public DateTimeOffset ReceivedAt => _message.ReceivedAt;

    /// <summary>The whole message as JSON text, made when asked for.</summary>
    public string Raw => _message.Text;

    /// <summary>The method and where it came from.</summary>
    public override string ToString() => $"{Method} (worker {WorkerId} of pool '{Pool}')";
}
