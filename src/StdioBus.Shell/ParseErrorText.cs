using System.Globalization;
using System.Management.Automation.Language;

namespace StdioBus.Shell;

/// <summary>
/// A command given with -c that cannot be parsed: the engine's error view has no position for it, since it came from no
/// file, so the same picture is drawn here.
/// </summary>
internal static class ParseErrorText
{
    public static string Describe(ParseError error)
    {
        var line = error.Extent.StartLineNumber.ToString(CultureInfo.InvariantCulture);
        var text = error.Extent.StartScriptPosition.Line.TrimEnd('\r', '\n');
        var start = Math.Clamp(error.Extent.StartColumnNumber - 1, 0, text.Length);
        var end = error.Extent.EndLineNumber > error.Extent.StartLineNumber ? text.Length : error.Extent.EndColumnNumber - 1;
        var margin = new string(' ', Math.Max(4, line.Length));
        return $"""
            ParserError:
            Line{new string(' ', margin.Length - 4)} |
            {line.PadLeft(margin.Length)} |  {text}
            {margin} |  {new string(' ', start)}{new string('~', Math.Max(1, end - start))}
            {margin} | {error.Message}

            """;
    }
}
