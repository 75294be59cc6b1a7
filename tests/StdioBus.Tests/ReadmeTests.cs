using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The README's C#. Alone, because it writes to the console from the repository's root.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ReadmeTests
{
    [Fact(DisplayName = "A24: the C# of the README is the code below, which compiles and runs")]
    public async Task The_csharp_of_the_readme_runs()
    {
        (TextWriter console, string folder) = (Console.Out, Environment.CurrentDirectory);
        using var output = new StringWriter();
        Console.SetOut(output);
        Environment.CurrentDirectory = Repository.Root;
        try
        {
            await Run().Soon();
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = folder;
        }

        Assert.StartsWith("You gave me 1 words.", output.ToString(), StringComparison.Ordinal);
        string source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "StdioBus.Tests", "ReadmeTests.cs"));
        string readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        Assert.Equal(Lines(Between(source, "// README begins\n", "// README ends\n")), Lines(Between(readme, "```csharp\n", "```\n")));
    }

    private static async Task Run()
    {
        // README begins
        await using var bus = new StdioBusBuilder()
            .Pool("demo", "dotnet", ["docs/examples/workers/DemoAgent/bin/DemoAgent.dll"], instances: 2)
            .Timeout(TimeSpan.FromSeconds(15))
            .Build();
        await bus.StartAsync();
        await foreach (StreamEvent e in bus.StreamRequestAsync("session/prompt", new { prompt = "hi" }))
            if (e.Type == StreamEventType.Chunk) Console.Write(e.Text);

        // README ends
    }

    private static string Between(string text, string begin, string end)
    {
        int start = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[start..text.IndexOf(end, start, StringComparison.Ordinal)];
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);
}
