namespace StdioBus;

/// <summary>Which top-level members a message has on the worker's wire.</summary>
public enum EnvelopeKind
{
    /// <summary>JSON-RPC 2.0 and nothing else.</summary>
    Standard = 0,

    /// <summary>JSON-RPC 2.0 with <c>sessionId</c>, <c>agentId</c> and <c>_ext</c>.</summary>
    StdioBus = 1,
}
