using System.Text.RegularExpressions;

namespace StdioBus.Module.Tests.Help;

/// <summary>What a page says of a parameter.</summary>
/// <param name="Words">The description.</param>
/// <param name="Block">The YAML block behind it, without its fences.</param>
internal sealed record HelpParameter(string Words, string Block)
{
    private static readonly Regex Default = new("^DefaultValue: (?<value>.*)\n", RegexOptions.Multiline);

    private static readonly Regex Use = new(@"  Position: (?<position>\w+)\n  IsRequired: (?<required>\w+)\n  ValueFromPipeline: (?<value>\w+)\n  ValueFromPipelineByPropertyName: (?<name>\w+)\n");

    /// <summary>What it is where it is not given; empty where that takes more than a word.</summary>
    public string DefaultValue => Default.Match(Block).Groups["value"].Value.Trim('\'');

    /// <summary>What the block says of the cmdlet's own metadata, which has no default values.</summary>
    public string Metadata => Default.Replace(Block, "");

    public string Type => Regex.Match(Block, "^Type: (.*)$", RegexOptions.Multiline).Groups[1].Value;

    /// <summary>Position, whether it must be given, and what it takes from the pipeline, in each parameter set, as Get-Help shows them.</summary>
    public IEnumerable<(string Position, string Required, string PipelineInput)> Uses => Use.Matches(Block).Select(use =>
    {
        string[] ways = [.. new[] { ("value", "ByValue"), ("name", "ByPropertyName") }.Where(way => use.Groups[way.Item1].Value == "true").Select(way => way.Item2)];
        return (use.Groups["position"].Value, use.Groups["required"].Value, ways is [] ? "false" : $"true ({string.Join(", ", ways)})");
    });

    public bool TakesWildcards => Block.Contains("SupportsWildcards: true", StringComparison.Ordinal);

    /// <summary>Its aliases as Get-Help shows them.</summary>
    public string Aliases => Regex.Match(Block, "^Aliases:\n((?:- .*\n)+)", RegexOptions.Multiline) is { Success: true } list
        ? string.Join(", ", list.Groups[1].Value.Trim().Split('\n').Select(line => line[2..]))
        : "none";
}
