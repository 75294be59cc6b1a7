namespace StdioBus;

/// <summary>Where a message goes and what it carries beside its method and parameters.</summary>
public class MessageOptions
{
    /// <summary>The pool; may be left out where there is only one.</summary>
    public string? Pool { get; set; }

    /// <summary>The session: its messages go to one worker. Null for <c>params.sessionId</c>, else the pool's way.</summary>
    public string? SessionId { get; set; }

    /// <summary>The agent asked for. Pools in the <see cref="EnvelopeKind.StdioBus"/> envelope only.</summary>
    public string? AgentId { get; set; }

    /// <summary>On whose behalf. Pools in the <see cref="EnvelopeKind.StdioBus"/> envelope only.</summary>
    public Identity? Identity { get; set; }

    /// <summary>What an audit trail needs. Pools in the <see cref="EnvelopeKind.StdioBus"/> envelope only.</summary>
    public AuditContext? Audit { get; set; }
}
