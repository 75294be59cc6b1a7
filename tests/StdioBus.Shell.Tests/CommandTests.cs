namespace StdioBus.Shell.Tests;

public sealed class CommandTests
{
    [Fact]
    public async Task Output_of_a_command_is_formatted_by_the_engine_onto_stdout()
    {
        var result = await ShellProcess.RunCommandAsync("'text'; 1..2; [pscustomobject]@{ Name = 'a'; Size = 12 }");

        Assert.Equal(["text", "1", "2", "Name Size", "---- ----", "a      12"], result.OutputLines.Select(line => line.TrimEnd()));
        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Arguments_after_a_command_are_its_args_as_they_were_written()
    {
        var result = await ShellProcess.RunCommandAsync("$args.Count; $args", "one", "two words", "-Name", "é 🎈", "");

        Assert.Equal("5\none\ntwo words\n-Name\né 🎈\n\n", result.Output);
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("exit 0", 0)]
    [InlineData("'before'; exit 255; 'after'", 255)]
    [InlineData("& { exit 3 }; 'after'", 3)]
    [InlineData("1", 0)]
    [InlineData("1/0; 5", 0)]
    [InlineData("1/0", 1)]
    [InlineData("no-such-command", 1)]
    [InlineData("Get-Job no-such-job", 1)]
    [InlineData("/bin/sh -c 'exit 1'", 1)]
    [InlineData("/bin/sh -c 'exit 9'", 1)]
    [InlineData("/bin/sh -c 'exit 9'; exit $LASTEXITCODE", 9)]
    [InlineData("throw 'x'", 1)]
    [InlineData("$ErrorActionPreference = 'Stop'; Get-Job no-such-job; exit 9", 1)]
    [InlineData("try { throw 'x' } catch { exit 4 }", 4)]
    [InlineData("if (", 1)]
    public async Task The_exit_code_is_the_one_pwsh_gives(string command, int expected)
    {
        var result = await ShellProcess.RunCommandAsync(ShellProcess.WithSystemsInterpreter(command));

        Assert.Equal(expected, result.ExitCode);
        Assert.DoesNotContain("after", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_go_to_stderr_and_the_rest_goes_on()
    {
        var result = await ShellProcess.RunCommandAsync("'before'; 1/0; 'after'");

        Assert.Equal("before\nafter\n", result.Output);
        Assert.Contains("Attempted to divide by zero.", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Every_parse_error_is_shown_with_its_line_and_nothing_runs()
    {
        var result = await ShellProcess.RunCommandAsync("'one'\n'two' 'three' )\nif (");

        Assert.Equal("", result.Output);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("   2 |  'two' 'three' )\n     |        ~~~~~~~\n     | Unexpected token ''three''", result.Error, StringComparison.Ordinal);
        Assert.Contains("   3 |  if (", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_module_is_loaded()
    {
        var result = await ShellProcess.RunCommandAsync("(Get-Command -Module StdioBus).Name");

        Assert.Contains("New-StdioBus", result.OutputLines);
        Assert.Contains("Invoke-BusStream", result.OutputLines);
    }

    [Fact]
    public async Task A_module_that_is_not_there_is_named_and_nothing_runs()
    {
        var result = await ShellProcess.RunAsync(["-c", "'ran'"], new Dictionary<string, string?> { ["STDIOBUS_MODULE_PATH"] = "/no/such/folder" });

        Assert.Equal(70, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains("STDIOBUS_MODULE_PATH is '/no/such/folder'", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_module_that_cannot_be_loaded_says_why()
    {
        using var broken = new ScriptFile("@{ ModuleVersion = '1.0'; RootModule = 'Missing.dll' }", "StdioBus.psd1");

        var result = await ShellProcess.RunAsync(["-c", "'ran'"], new Dictionary<string, string?> { ["STDIOBUS_MODULE_PATH"] = broken.Folder });

        Assert.Equal(70, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains("Missing.dll", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-NoProfile", "-NonInteractive", "-Command")]
    [InlineData("-nop", "-noni", "-nologo", "-C")]
    [InlineData("--noprofile", "--command")]
    [InlineData("-CommandWithArgs")]
    public async Task Options_are_named_as_pwsh_names_them(params string[] options)
    {
        var result = await ShellProcess.RunAsync([.. options, "\"ran $args\"", "-NoProfile"]);

        Assert.Equal("ran -NoProfile\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Help_and_version_are_answered_on_stdout()
    {
        var help = await ShellProcess.RunAsync(["--help"]);
        var version = await ShellProcess.RunAsync(["--version"]);

        Assert.Equal(0, help.ExitCode);
        Assert.StartsWith("usage: stdiobus-shell [OPTION…] [-c COMMAND | FILE | -] [ARG…]", help.Output, StringComparison.Ordinal);
        Assert.Equal(0, version.ExitCode);
        Assert.Matches(@"^stdiobus-shell \d+\.\d+\.\d+ \(PowerShell engine 7\.\d+\.\d+\)\n$", version.Output);
    }

    [Theory]
    [InlineData("the option '--no-such-option' is not known", "--no-such-option")]
    [InlineData("-c needs a command", "-c")]
    [InlineData("a script file is needed", "--")]
    [InlineData("a script file is needed after -File", "-NoProfile", "-File")]
    [InlineData("the option '-NoSuch' is not known", "-NoProfile", "-NoSuch", "-c", "1")]
    [InlineData("a script file, or -c and a command, is needed", "-NoProfile")]
    [InlineData("a script file, or -c and a command, is needed")]
    public async Task A_wrong_command_line_is_64_and_says_what_is_wrong(string problem, params string[] arguments)
    {
        var result = await ShellProcess.RunAsync(arguments);

        Assert.Equal(64, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.Contains("usage: stdiobus-shell", result.Error, StringComparison.Ordinal);
    }
}
