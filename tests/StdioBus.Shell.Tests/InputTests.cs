namespace StdioBus.Shell.Tests;

public sealed class InputTests
{
    [Theory]
    [InlineData("'<' + (@($input) -join '|') + '>'", "<one|two|é 🎈>")]
    [InlineData("process { \"<$_>\" }", "<one>\n<two>\n<é 🎈>")]
    [InlineData("param([Parameter(ValueFromPipeline)] [string] $Line) process { \"<$Line>\" }", "<one>\n<two>\n<é 🎈>")]
    public async Task The_lines_of_stdin_are_the_pipeline_input_of_a_script_that_takes_it(string text, string expected)
    {
        using var script = new ScriptFile(text);
        await using var shell = ShellProcess.Start(["-File", script.Path]);

        var result = await FeedAsync(shell);

        Assert.Equal("", result.Error);
        Assert.Equal(expected + "\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task The_lines_of_stdin_are_the_input_of_a_command_as_well()
    {
        await using var shell = ShellProcess.Command("$input | ForEach-Object { \"<$_>$args\" }", "x");

        Assert.Equal("<one>\n<two>\n<é 🎈>\n", (await FeedAsync(shell)).Output);
    }

    [Theory]
    [InlineData("[Console]::In.ReadToEnd().Length", "13\n")]
    [InlineData("function Twice { $input; $input } [Console]::In.ReadToEnd().Length", "13\n")]
    [InlineData("/bin/cat | ForEach-Object Length", "3\n3\n4\n")]
    public async Task A_script_that_takes_no_pipeline_input_reads_stdin_itself(string text, string expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() && text.StartsWith("/bin/cat", StringComparison.Ordinal), "Windows has no cat");
        using var script = new ScriptFile(text);
        await using var shell = ShellProcess.Start([script.Path]);

        var result = await FeedAsync(shell);

        Assert.Equal("", result.Error);
        Assert.Equal(expected, result.Output);
    }

    [Fact]
    public async Task Parameters_and_pipeline_input_go_together()
    {
        using var script = new ScriptFile("param([string] $Before, [switch] $Loud) process { $Before + $(if ($Loud) { $_.ToUpperInvariant() } else { $_ }) }");
        await using var shell = ShellProcess.Start(["-NoProfile", "-NonInteractive", "-File", script.Path, "-Loud", "> "]);

        Assert.Equal("> ONE\n> TWO\n> É 🎈\n", (await FeedAsync(shell)).Output);
    }

    [Theory]
    [InlineData("-")]
    [InlineData("-File", "-")]
    [InlineData("-NoProfile", "-Command", "-")]
    public async Task A_dash_runs_the_script_that_comes_on_stdin(params string[] options)
    {
        await using var shell = ShellProcess.Start([.. options, "one", "two"]);

        await shell.WriteLineAsync("function Show {\n  param($Value)\n\n  \"<$Value>\"\n}\n$args | ForEach-Object { Show $_ }\nexit 3");
        shell.CloseInput();
        var result = await shell.EndAsync();

        Assert.Equal("", result.Error);
        Assert.Equal("<one>\n<two>\n", result.Output);
        Assert.Equal(3, result.ExitCode);
    }

    [Fact]
    public async Task A_script_from_stdin_that_cannot_be_parsed_runs_nothing()
    {
        await using var shell = ShellProcess.Start(["-"]);

        await shell.WriteLineAsync("'one'\nif (");
        shell.CloseInput();
        var result = await shell.EndAsync();

        Assert.Equal("", result.Output);
        Assert.Contains("   2 |  if (", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    [Trait("Acceptance", "A33")]
    public async Task A_command_takes_input_as_it_comes_and_a_signal_ends_it_while_it_waits_for_more()
    {
        await using var shell = ShellProcess.Command("process { \"<$_>\" }");

        await shell.WriteLineAsync("one");
        Assert.Equal("<one>", await shell.ReadLineAsync());
        shell.Signal(PosixSignalNumber.Terminate);
        var result = await shell.EndAsync();

        Assert.Equal(143, result.ExitCode);
    }

    private static async Task<ShellResult> FeedAsync(ShellProcess shell)
    {
        await shell.WriteLineAsync("one\ntwo\né 🎈");
        shell.CloseInput();
        return await shell.EndAsync();
    }
}
