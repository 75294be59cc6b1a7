namespace StdioBus;

/// <summary>How a pool's workers are told that a request was given up.</summary>
public enum Dialect
{
    /// <summary>
    /// <see cref="Mcp"/> after an <c>initialize</c> with a string <c>protocolVersion</c>, <see cref="Acp"/> after
    /// one with an integer, else <see cref="Plain"/>.
    /// </summary>
    Auto = 0,

    /// <summary>They are not told.</summary>
    Plain = 1,

    /// <summary><c>notifications/cancelled</c> with <c>requestId</c> and <c>reason</c>.</summary>
    Mcp = 2,

    /// <summary><c>session/cancel</c> with <c>sessionId</c>, for a <c>session/prompt</c>.</summary>
    Acp = 3,

    /// <summary><c>$/cancelRequest</c> with <c>id</c>.</summary>
    JsonRpcCancel = 4,
}
