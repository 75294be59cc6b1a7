using System.Text.RegularExpressions;

namespace StdioBus;

/// <summary>
/// The variables in an MCP host's file: <c>${NAME}</c>, <c>${env:NAME}</c> and <c>${NAME:-default}</c> are replaced by this
/// process's environment, as the hosts do.
/// </summary>
internal static partial class McpVariables
{
    /// <summary>The text with its variables replaced. One that is not set and has no default stays as it is, with a warning.</summary>
    public static string Expand(string text, ConfigNode node) => Variable().Replace(text, match =>
    {
        string name = match.Groups["name"].Value;
        if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
            return value;
        if (match.Groups["default"] is { Success: true } instead)
            return instead.Value;
        node.Warn($"the environment variable '{name}' is not set, so {match.Value} is passed as it stands");
        return match.Value;
    });

    [GeneratedRegex(@"\$\{(?:env:)?(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<default>[^}]*))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();
}
