using System.Management.Automation.Language;
using System.Text;
using System.Text.RegularExpressions;

namespace StdioBus.Shell;

/// <summary>
/// The call of a script file as PowerShell text, so that names and values bind exactly as in a call that a person
/// would write. Values are quoted: nothing in them is ever evaluated.
/// </summary>
internal static partial class ScriptInvocation
{
    /// <summary>
    /// <c>-Name value</c>, <c>-Switch</c> and <c>-Name:value</c> are parameters, where $true and $false after the
    /// colon stand for the booleans; after <c>--</c> everything is a value.
    /// </summary>
    public static string Text(string path, IReadOnlyList<string> arguments)
    {
        var text = new StringBuilder("& ").Append(Quoted(path));
        var onlyValues = false;
        foreach (var argument in arguments)
        {
            if (argument == "--" && !onlyValues)
                onlyValues = true;
            else if (!onlyValues && ParameterPattern().Match(argument) is { Success: true } parameter)
                text.Append(' ').Append(parameter.Groups["name"].Value).Append(Value(parameter.Groups["value"]));
            else
                text.Append(' ').Append(Quoted(argument));
        }

        return text.ToString();
    }

    private static string Value(Group value) => value switch
    {
        { Success: false } or { Length: 0 } => "",
        _ when value.Value.ToUpperInvariant() is "$TRUE" or "$FALSE" => ":" + value.Value,
        _ => ":" + Quoted(value.Value),
    };

    private static string Quoted(string value) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(value)}'";

    /// <summary>A dash and a name; -5 and - are values.</summary>
    [GeneratedRegex(@"^(?<name>-[\p{L}_][\p{L}\p{Nd}_]*)(:(?<value>.*))?\z", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex ParameterPattern();
}
