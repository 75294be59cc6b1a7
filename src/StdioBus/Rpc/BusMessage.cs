using System.Text;

namespace StdioBus;

/// <summary>What a line from a worker is. The values are those of the kernel's header.</summary>
public enum MessageKind
{
    /// <summary>None of these.</summary>
    Other = 0,

    /// <summary>It has a method and an id.</summary>
    Request = 1,

    /// <summary>It has a method and no id.</summary>
    Notification = 2,

    /// <summary>It has an id and no method: it answers a request.</summary>
    Response = 3,
}

/// <summary>A line from a worker, as it came.</summary>
public sealed class BusMessage
{
    private readonly byte[] _json;
    private string? _text;

    internal BusMessage(MessageKind kind, int workerId, string pool, byte[] json)
    {
        Kind = kind;
        WorkerId = workerId;
        Pool = pool;
        _json = json;
    }

    /// <summary>What it is.</summary>
    public MessageKind Kind { get; }

    /// <summary>The worker that sent it; −1 when the kernel made it, or that is not known.</summary>
    public int WorkerId { get; }

    /// <summary>The pool of that worker; empty when that is not known.</summary>
    public string Pool { get; }

    /// <summary>The line as JSON text, made when first asked for.</summary>
    public string Json => _text ??= Encoding.UTF8.GetString(_json);

    /// <summary>The line's bytes. They are not copied.</summary>
    public RawJson ToRawJson() => new(_json);

    /// <summary>The line.</summary>
    public override string ToString() => Json;
}
