using System.Management.Automation.Language;
using System.Text;

namespace StdioBus.Module.Pipeline;

/// <summary>What a completion puts on the command line: text that the parser reads as the value and nothing else.</summary>
internal static class CompletionText
{
    /// <summary>The beginning of a value that was typed, without the quote before it.</summary>
    public static string Typed(string word) => word.Length > 0 && word[0] is '\'' or '"'
        ? word[1..].TrimEnd(word[0])
        : word;

    /// <summary>The value as an argument: in the quotes that were begun, else in single ones where it needs them.</summary>
    public static string Quoted(string value, string word)
    {
        if (word.StartsWith('"'))
            return InDoubleQuotes(value);

        return word.StartsWith('\'') || !IsBare(value) ? $"'{CodeGeneration.EscapeSingleQuotedStringContent(value)}'" : value;
    }

    private static string InDoubleQuotes(string value)
    {
        var text = new StringBuilder("\"");
        foreach (char unit in value)
        {
            // Besides the plain quote the parser takes the typographic ones for quotes.
            if (unit is '`' or '$' or '"' or '\u201c' or '\u201d' or '\u201e')
                text.Append('`');

            text.Append(unit);
        }

        return text.Append('"').ToString();
    }

    // A dash in front would make it a parameter.
    private static bool IsBare(string value) =>
        value.Length > 0 && value[0] != '-' && value.All(unit => char.IsLetterOrDigit(unit) || unit is '-' or '_' or '.' or '/' or ':');
}
