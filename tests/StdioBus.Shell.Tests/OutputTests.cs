namespace StdioBus.Shell.Tests;

public sealed class OutputTests
{
    /// <summary>The script waits for a line of input that is sent only when its first line has been seen.</summary>
    [Fact]
    [Trait("Acceptance", "A15")]
    public async Task Output_is_seen_before_the_script_has_ended()
    {
        await using var shell = ShellProcess.Command("'first'; $go = [Console]::In.ReadLine(); \"second after $go\"");

        Assert.Equal("first", await shell.ReadLineAsync());
        await shell.WriteLineAsync("go");

        Assert.Equal("second after go\n", (await shell.EndAsync()).Output);
    }

    [Fact]
    [Trait("Acceptance", "A15")]
    public async Task A_piece_of_a_line_is_seen_before_the_line_has_ended()
    {
        await using var shell = ShellProcess.Command("$Host.UI.Write('a'); $go = [Console]::In.ReadLine(); $Host.UI.WriteLine('b')");

        Assert.Equal("a", await shell.ReadCharactersAsync(1));
        await shell.WriteLineAsync("go");

        Assert.Equal("b\n", (await shell.EndAsync()).Output);
    }

    [Fact]
    public async Task A_shell_whose_output_nobody_reads_stops()
    {
        await using var shell = ShellProcess.Command("for ($i = 0; ; $i++) { \"line $i\" }");

        Assert.Equal("line 0", await shell.ReadLineAsync());
        shell.CloseOutput();
        var result = await shell.EndAsync();

        Assert.Equal(141, result.ExitCode);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task Output_that_cannot_be_written_is_said_and_is_74()
    {
        var full = await ShellProcess.RunThroughShAsync("exec dotnet \"$0\" -c \"1..1000\" > /dev/full");

        Assert.Equal(74, full.ExitCode);
        Assert.Contains("the output could not be written", full.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_and_that_of_native_programs_share_a_file_in_order()
    {
        using var target = new ScriptFile("", "out.txt");

        var result = await ShellProcess.RunThroughShAsync($"echo before > {target.Path}; dotnet \"$0\" -c '1; /bin/echo 2; 3' >> {target.Path}; echo after >> {target.Path}");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("before\n1\n2\n3\nafter\n", await File.ReadAllTextAsync(target.Path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task There_are_no_escape_sequences_without_a_terminal()
    {
        var result = await ShellProcess.RunCommandAsync("[pscustomobject]@{ A = 1 }; \"`e[31mred`e[0m\"; $Host.UI.Write('Red', 'Black', 'r'); 1/0");

        Assert.DoesNotContain('\e', result.Output);
        Assert.DoesNotContain('\e', result.Error);
        Assert.Contains("red", result.OutputLines);
    }

    [Theory]
    [InlineData(null, 120)]
    [InlineData("60", 60)]
    [InlineData("not a number", 120)]
    public async Task Tables_are_as_wide_as_COLUMNS_says_else_120(string? columns, int expected)
    {
        var result = await ShellProcess.RunAsync(
            ["-c", "$Host.UI.RawUI.BufferSize.Width; [pscustomobject]@{ A = 'x' * 500; B = 1 }"],
            new Dictionary<string, string?> { ["COLUMNS"] = columns });

        Assert.Equal($"{expected}", result.OutputLines[0]);
        // The engine keeps the last column free where a full line would wrap.
        Assert.InRange(result.OutputLines.Max(line => line.Length), expected - 1, expected);
    }

    [Fact]
    public async Task Warnings_verbose_lines_and_progress_stay_out_of_the_output()
    {
        const string Script = """
            $Host.UI.WriteWarningLine('careful'); $Host.UI.WriteVerboseLine('detail'); $Host.UI.WriteDebugLine('inside')
            $Host.UI.WriteProgress(1, [System.Management.Automation.ProgressRecord]::new(1, 'Working', 'on it'))
            'out'
            """;

        var result = await ShellProcess.RunCommandAsync(Script);

        Assert.Equal("out\n", result.Output);
        Assert.Equal("WARNING: careful\nVERBOSE: detail\nDEBUG: inside\n", result.Error);
    }

    [Theory]
    [InlineData("$Host.UI.ReadLine()", "a line of input")]
    [InlineData("function f { param([Parameter(Mandatory)] $Name) } f", "Name")]
    [InlineData("$Host.UI.PromptForCredential('', '', '', '')", "a credential")]
    public async Task A_question_is_refused_where_nobody_can_answer(string command, string what)
    {
        var result = await ShellProcess.RunCommandAsync(command);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(what, result.Error, StringComparison.Ordinal);
    }
}
