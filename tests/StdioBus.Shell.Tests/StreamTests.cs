namespace StdioBus.Shell.Tests;

/// <summary>What a worker writes reaches the console while it is still writing.</summary>
public sealed class StreamTests
{
    private static string StartBus => $"$bus = New-StdioBus -Pool kit -Command dotnet -ArgumentList '{Repository.TestWorker}', 'kit'; ";

    /// <summary>The worker writes its next chunk only when the test has seen the last one on the console and says so.</summary>
    [Fact]
    [Trait("Acceptance", "A15")]
    public async Task A_chunk_is_on_the_console_before_the_worker_has_written_the_next()
    {
        const string Script = """
            Invoke-BusStream stream @{ sessionId = 's'; chunks = 'one', 'two', 'three'; gate = $true } | ForEach-Object {
                if ($_.Type -eq 'Result') { "result: $($_.Result.text)" }
                else { $_.Text; $null = [Console]::In.ReadLine(); Send-BusNotification step }
            }
            """;
        await using var shell = ShellProcess.Command(StartBus + Script);

        foreach (var chunk in new[] { "one", "two", "three" })
        {
            Assert.Equal(chunk, await shell.ReadLineAsync());
            await shell.WriteLineAsync("go");
        }

        var result = await shell.EndAsync();
        Assert.Equal("result: onetwothree\n", result.Output);
        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    [Trait("Acceptance", "A15")]
    public async Task Show_writes_the_chunks_on_without_line_breaks()
    {
        const string Script = """
            $answer = Invoke-BusStream stream @{ sessionId = 's'; chunks = 'one ', 'two ', 'three' } -Show
            "[$($answer.Type)]"
            """;

        var result = await ShellProcess.RunCommandAsync(StartBus + Script);

        Assert.Equal(["one two three", "[Result]"], result.OutputLines);
    }

    [Fact]
    public async Task Progress_is_not_written_where_there_is_no_terminal()
    {
        var result = await ShellProcess.RunCommandAsync(StartBus + "$null = Invoke-BusRequest progress @{ steps = 3 } -ReportProgress; 'done'");

        Assert.Equal("done\n", result.Output);
        Assert.Equal("", result.Error);
    }

    [Fact]
    [Trait("Acceptance", "L7")]
    public async Task An_error_of_a_worker_is_shown_with_its_place_in_the_script()
    {
        using var script = new ScriptFile(StartBus + "\nInvoke-BusRequest fail @{ code = -32050; message = 'out of paper' }\nInvoke-BusRequest exit @{ code = 3; stderr = 'paper jam' }\n'after'");

        var result = await script.RunAsync();

        Assert.Equal("after\n", result.Output);
        Assert.Contains($"Invoke-BusRequest: {script.Path}:2\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("out of paper", result.Error, StringComparison.Ordinal);
        Assert.Contains($"Invoke-BusRequest: {script.Path}:3\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("paper jam", result.Error, StringComparison.Ordinal);
    }
}
