using System.Management.Automation.Runspaces;

namespace StdioBus.Shell;

/// <summary>The arguments of a script file as the engine binds them: names with a dash, and values.</summary>
internal static class ScriptArguments
{
    /// <summary>
    /// <c>-Name value</c> and <c>-Switch</c> are taken as written; <c>-Name:value</c> is split, where $true and $false
    /// stand for the booleans; after <c>--</c> everything is a value.
    /// </summary>
    public static IEnumerable<CommandParameter> Bind(IReadOnlyList<string> arguments)
    {
        var onlyValues = false;
        foreach (var argument in arguments)
        {
            if (onlyValues || !IsName(argument))
            {
                yield return new CommandParameter(null, argument);
                continue;
            }

            if (argument == "--")
            {
                onlyValues = true;
                continue;
            }

            var colon = argument.IndexOf(':', StringComparison.Ordinal);
            yield return colon > 0 && colon < argument.Length - 1
                ? new CommandParameter(argument[..colon], Value(argument[(colon + 1)..]))
                : new CommandParameter(argument.TrimEnd(':'));
        }
    }

    /// <summary>A dash and a letter: -5 and - are values.</summary>
    private static bool IsName(string argument) =>
        argument.Length > 1 && argument[0] == '-' && (char.IsLetter(argument[1]) || argument[1] == '_' || argument == "--");

    private static object Value(string text) => text.ToUpperInvariant() switch
    {
        "$TRUE" => true,
        "$FALSE" => false,
        _ => text,
    };
}
