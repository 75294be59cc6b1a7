using System.Globalization;
using System.Text.RegularExpressions;

namespace StdioBus.Shell.Tests;

/// <summary>docs/examples/quickstart.ps1, the first thing a user runs.</summary>
public sealed partial class QuickstartTests
{
    [Fact]
    [Trait("Acceptance", "A24")]
    [Trait("Acceptance", "A15")]
    public async Task The_quickstart_shows_every_part_and_leaves_nothing()
    {
        var result = await ShellProcess.RunAsync([Repository.Example("quickstart.ps1")]);

        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        for (var part = 1; part <= 8; part++)
            Assert.Contains(result.OutputLines, line => line.StartsWith($"{part}. ", StringComparison.Ordinal));
        Assert.Matches(@"greeting +numbers|greeting *: hello", result.Output);
        Assert.Contains("1000 answers in", result.Output, StringComparison.Ordinal);
        Assert.Contains("add up to 333833500.", result.Output, StringComparison.Ordinal);
        Assert.Equal(5, result.OutputLines.Count(line => line.StartsWith("   tick ", StringComparison.Ordinal)));
        Assert.Contains("12 squared is still 144.", result.Output, StringComparison.Ordinal);
        Assert.Contains("took over.", result.Output, StringComparison.Ordinal);
        Assert.Contains("4 workers were started, 0 are left.", result.Output, StringComparison.Ordinal);
    }

    /// <summary>The worker pauses before each word: chunks that came together would have the same time.</summary>
    [Fact]
    [Trait("Acceptance", "A15")]
    public async Task The_chunks_of_the_quickstart_arrive_apart_and_make_up_the_result()
    {
        var result = await ShellProcess.RunAsync([Repository.Example("quickstart.ps1")]);

        var chunks = result.OutputLines.Select(line => ChunkLine().Match(line)).Where(match => match.Success).ToList();
        var times = chunks.ConvertAll(match => int.Parse(match.Groups["time"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture));
        var text = string.Concat(chunks.Select(match => match.Groups["text"].Value));
        Assert.True(chunks.Count > 10, result.Output + result.Error);
        Assert.True(times[^1] - times[0] >= 30 * (chunks.Count - 1), $"The chunks came at {string.Join(", ", times)} ms.");
        Assert.Contains($"Result: end_turn, and the whole text: {text}", result.Output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^ +(?<time>[\d,]+) ms  (?<text>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex ChunkLine();
}
