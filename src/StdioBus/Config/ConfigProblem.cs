namespace StdioBus;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Path">Where: a JSON path such as <c>$.pools[0].command</c>.</param>
/// <param name="Message">What is wrong and what was expected.</param>
/// <param name="IsWarning">Whether the configuration can be used all the same.</param>
public sealed record ConfigProblem(string Path, string Message, bool IsWarning)
{
    /// <summary>The file that was read; null for a configuration that is none.</summary>
    public string? File { get; init; }

    /// <summary>The path and the message.</summary>
    public override string ToString() => $"{Path}: {Message}";
}
