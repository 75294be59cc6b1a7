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

    [Fact]
    public void Its_other_blocks_are_run_elsewhere_or_are_named_here()
    {
        string readme = File.ReadAllText(Path.Combine(ProductFolder.Root, "README.md"));
        // By language and first line.
        string[] known =
        [
            // .ci/run takes them from here, but for the first under "In CI", which is for tests/Pester/Readme.Tests.ps1 like the ps1.
            "sh dotnet run --project src/StdioBus.Shell -- docs/examples/quickstart.ps1",
            "sh dotnet test --solution StdioBus.sln",
            "sh pwsh -NoProfile -NonInteractive -File ./step.ps1           # exit code 0",
            "ps1 param($Number = 12)",
            "ps1 $ErrorActionPreference = 'Stop'",
            "ps1 $text = \"$_\" -replace '%', '%25' -replace \"`r\", '%0D' -replace \"`n\", '%0A'",
            // The ReadmeTests of StdioBus.Tests.
            "csharp await using var bus = new StdioBusBuilder()",
            // Needs the module in the Gallery.
            " Install-PSResource StdioBus",
            // What the build of these tests does; the import is below.
            " dotnet build src/StdioBus.Module --configuration Release",
            // No program.
            " cmdlets (src/StdioBus.Module)     parameters, objects ↔ JSON, one pump onto the pipeline thread",
        ];
        Assert.Equal(
            known.Order(),
            Regex.Matches(readme, "^```(?<language>.*)\n(?<first>.*)\n(?s:.*?)^```$", RegexOptions.Multiline).Select(block => $"{block.Groups["language"]} {block.Groups["first"]}")
                .Where(block => !block.StartsWith("powershell ", StringComparison.Ordinal) && !block.StartsWith("text ", StringComparison.Ordinal)).Order());

        using var runspace = new TestRunspace(import: false);
        runspace.Runspace.SessionStateProxy.Path.SetLocation(ProductFolder.Root);
        runspace.Run(Regex.Match(readme, "^Import-Module .*$", RegexOptions.Multiline).Value);
        string[] shown = [.. Regex.Matches(readme, "`(?<line>Get-Help [^`]+)`").Select(line => line.Groups["line"].Value)];
        Assert.Equal(3, shown.Length);
        Assert.All(shown, line => Assert.NotEmpty(runspace.Run(line)));
    }

    // Numbers and the widths they need differ from run to run.
    private static string Shape(string text)
    {
        text = Regex.Replace(text, "\u001b\\[[0-9;]*m", "");
        text = Regex.Replace(text, @"\d+", "0");
        return Regex.Replace(text, @"[\s-]+", " ").Trim();
    }
}
