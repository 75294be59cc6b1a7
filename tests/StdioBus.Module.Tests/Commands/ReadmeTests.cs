using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A24")]
public sealed class ReadmeTests
{
    private static readonly Regex Block = new("^```powershell\n(?<code>.*?)^```\n(?:\n```text\n(?<shown>.*?)^```\n)?", RegexOptions.Singleline | RegexOptions.Multiline);

    [Fact]
    public void Its_powershell_blocks_run_one_after_the_other_and_show_what_it_says()
    {
        string readme = File.ReadAllText(Path.Combine(ProductFolder.Root, "README.md"));
        MatchCollection blocks = Block.Matches(readme);
        Assert.True(blocks.Count >= 8, $"{blocks.Count} blocks found");
        using var runspace = new TestRunspace();
        runspace.Runspace.SessionStateProxy.Path.SetLocation(ProductFolder.Root);
        foreach (Match block in blocks)
        {
            int before = runspace.Host.Shown.Length;
            runspace.Run($". {{ {block.Groups["code"].Value} }} | Out-Default");
            if (block.Groups["shown"].Success)
                Assert.Equal(Shape(block.Groups["shown"].Value), Shape(runspace.Host.Shown[before..]));
        }
    }

    // Numbers and the widths they need differ from run to run.
    private static string Shape(string text)
    {
        text = Regex.Replace(text, "\u001b\\[[0-9;]*m", "");
        text = Regex.Replace(text, @"\d+", "0");
        return Regex.Replace(text, @"[\s-]+", " ").Trim();
    }
}
