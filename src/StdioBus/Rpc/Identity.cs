namespace StdioBus;

/// <summary>On whose behalf a message is sent: <c>_ext.identity</c>. Members that are empty are left out.</summary>
public sealed class Identity
{
    /// <summary>Who.</summary>
    public string? SubjectId { get; set; }

    /// <summary>In which role.</summary>
    public string? Role { get; set; }

    /// <summary>Who says so.</summary>
    public string? AssertedBy { get; set; } = "self";
}
