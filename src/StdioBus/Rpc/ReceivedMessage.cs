using System.Text;

namespace StdioBus;

/// <summary>A notification copied out of the kernel's memory, shared by all who receive it.</summary>
internal sealed class ReceivedMessage
{
    private readonly byte[] _json;
    private readonly JsonSlice _params;
    private readonly JsonSlice _update;

    // Local time costs more than all the rest here; few ask for it.
    private readonly DateTimeOffset _receivedAt = DateTimeOffset.UtcNow;

    public ReceivedMessage(ReadOnlySpan<byte> json, JsonSlice parameters, JsonSlice update, string method)
    {
        _json = json.ToArray();
        _params = parameters;
        _update = update;
        Method = method;
    }

    public string Method { get; }

    public string? SessionId { get; init; }

    public string Pool { get; init; } = "";

    public int WorkerId { get; init; }

    public long Sequence { get; init; }

    public DateTimeOffset ReceivedAt => _receivedAt.ToLocalTime();

    public int Length => _json.Length;

    public string Text => Encoding.UTF8.GetString(_json);

    /// <summary><c>params</c>, made by a reader; null when absent.</summary>
    public object? ReadParams(JsonReader reader) => _params.IsPresent ? reader(_params.Of(_json)) : null;

    /// <summary><c>params.update</c> where there is one, else <c>params</c>.</summary>
    public object? ReadUpdate(JsonReader reader) => _update.IsPresent ? reader(_update.Of(_json)) : ReadParams(reader);
}
