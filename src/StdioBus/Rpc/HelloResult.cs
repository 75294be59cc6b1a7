namespace StdioBus;

/// <summary>What an agent answered to the handshake.</summary>
public sealed class HelloResult
{
    internal HelloResult(string negotiatedProtocolVersion, string? sessionId, IReadOnlyDictionary<string, string?> extensions)
    {
        NegotiatedProtocolVersion = negotiatedProtocolVersion;
        SessionId = sessionId;
        Extensions = extensions;
    }

    /// <summary>The version of the protocol that both speak.</summary>
    public string NegotiatedProtocolVersion { get; }

    /// <summary>The session that the agent gave; null when it gave none.</summary>
    public string? SessionId { get; }

    /// <summary>The extensions that are active, each with its version; the version is null when the agent names none.</summary>
    public IReadOnlyDictionary<string, string?> Extensions { get; }
}
