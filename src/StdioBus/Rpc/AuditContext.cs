namespace StdioBus;

/// <summary>What an audit trail needs: <c>_ext.audit</c>. Members that are empty are left out.</summary>
public sealed class AuditContext
{
    /// <summary>The event's id.</summary>
    public string? EventId { get; set; }

    /// <summary>What is done.</summary>
    public string? Action { get; set; }

    /// <summary>The event this one follows from.</summary>
    public string? ParentEventId { get; set; }

    /// <summary>When, as text in ISO 8601.</summary>
    public string? Timestamp { get; set; }

    /// <summary>By whom.</summary>
    public string? Actor { get; set; }

    /// <summary>To what.</summary>
    public string? Resource { get; set; }

    /// <summary>With which outcome.</summary>
    public string? Outcome { get; set; }
}
