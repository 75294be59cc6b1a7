using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;

namespace StdioBus.Module.Tests.Help;

/// <summary>A page of docs/en-US: the help of one command.</summary>
internal sealed class HelpPage
{
    private static readonly Regex ParameterBlock = new(@"^### -(?<name>\w+)\n\n(?<words>.*?)\n\n```yaml\n(?<facts>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);
    private static readonly Regex SyntaxBlock = new(@"^### (?<set>\w+(?: \(Default\))?)\n\n```\n(?<line>.*?)\n```$", RegexOptions.Multiline | RegexOptions.Singleline);
    private static readonly Regex ExampleBlock = new(@"^### Example \d+: (?<title>[^\n]+)\n\n```powershell\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);

    private HelpPage(string name, string text)
    {
        Name = name;
        Synopsis = Section(text, "SYNOPSIS").Trim();
        Description = Section(text, "DESCRIPTION").Trim();
        Syntax = SyntaxBlock.Matches(Section(text, "SYNTAX")).ToDictionary(match => match.Groups["set"].Value, match => Regex.Replace(match.Groups["line"].Value, @"\n +", " "));
        Inputs = Types(Section(text, "INPUTS"));
        Outputs = Types(Section(text, "OUTPUTS"));
        Parameters = ParameterBlock.Matches(Section(text, "PARAMETERS")).ToDictionary(
            match => match.Groups["name"].Value, match => new HelpParameter(match.Groups["words"].Value, match.Groups["facts"].Value));
        Examples = ExampleBlock.Matches(Section(text, "EXAMPLES")).ToDictionary(match => match.Groups["title"].Value, match => match.Groups["code"].Value);
    }

    public static string Folder { get; } = Path.Combine(ProductFolder.Root, "docs", "en-US");

    /// <summary>The commands that the manifest exports.</summary>
    public static IReadOnlyList<string> Commands { get; } =
        Regex.Matches(Regex.Match(File.ReadAllText(ProductFolder.Manifest), @"CmdletsToExport\s*=\s*@\(([^)]*)\)").Groups[1].Value, "'([^']+)'")
            .Select(match => match.Groups[1].Value).ToArray();

    /// <summary>The examples that use commands which the engine of these tests lacks; the Pester suite runs them.</summary>
    public static IReadOnlySet<string> NeedingFullPwsh { get; } =
        File.ReadAllLines(Path.Combine(ProductFolder.Root, "tests", "StdioBus.Module.Tests", "Help", "needs-full-pwsh.txt")).ToHashSet(StringComparer.Ordinal);

    public string Name { get; }

    public string Synopsis { get; }

    public string Description { get; }

    /// <summary>The syntax of each parameter set, in one line, by the name of the set as the page has it.</summary>
    public IReadOnlyDictionary<string, string> Syntax { get; }

    /// <summary>The types that come from the pipeline.</summary>
    public IReadOnlyList<string> Inputs { get; }

    /// <summary>The types that are written.</summary>
    public IReadOnlyList<string> Outputs { get; }

    public IReadOnlyDictionary<string, HelpParameter> Parameters { get; }

    /// <summary>The code of each example, by its title.</summary>
    public IReadOnlyDictionary<string, string> Examples { get; }

    /// <summary>The page of a command. A command without one fails here.</summary>
    public static HelpPage Of(string command) => new(command, File.ReadAllText(Path.Combine(Folder, command + ".md")));

    private static string[] Types(string section) =>
        [.. Regex.Matches(section, "^### (.+)$", RegexOptions.Multiline).Select(match => match.Groups[1].Value)];

    private static string Section(string text, string title) =>
        Regex.Match(text, $@"^## {title}\n(?<body>.*?)(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline).Groups["body"].Value;
}
