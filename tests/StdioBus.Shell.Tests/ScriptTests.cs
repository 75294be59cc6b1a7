namespace StdioBus.Shell.Tests;

public sealed class ScriptTests
{
    [Fact]
    public async Task A_script_knows_its_own_path_and_folder()
    {
        using var script = new ScriptFile("$PSCommandPath; $PSScriptRoot; $MyInvocation.MyCommand.Name");

        var result = await script.RunAsync();

        Assert.Equal([script.Path, script.Folder, "script.ps1"], result.OutputLines);
    }

    [Fact]
    public async Task A_relative_path_is_taken_from_the_current_folder()
    {
        using var script = new ScriptFile("$PSCommandPath; $PWD.Path");

        var result = await ShellProcess.RunAsync(["./script.ps1"], folder: script.Folder);

        Assert.Equal([script.Path, script.Folder], result.OutputLines);
    }

    [Fact]
    public async Task Arguments_bind_to_the_parameters_of_a_script()
    {
        using var script = new ScriptFile("param([string] $Name, [int] $Count, [switch] $Fast, [switch] $Quiet, [Parameter(ValueFromRemainingArguments)] $Rest) \"$Name|$Count|$Fast|$Quiet|$Rest\"");

        var result = await script.RunAsync("-Name", "two words", "-Count:5", "-Fast", "-Quiet:$false", "more", "--", "-Name");

        Assert.Equal("two words|5|True|False|more -Name\n", result.Output);
    }

    [Fact]
    public async Task Arguments_without_parameters_are_its_args()
    {
        using var script = new ScriptFile("$args.Count; $args");

        var result = await script.RunAsync("one", "-5", "-", "a:b", "it's $(exit 9)");

        Assert.Equal(["5", "one", "-5", "-", "a:b", "it's $(exit 9)"], result.OutputLines);
    }

    [Fact]
    public async Task A_wrong_argument_is_an_error_that_names_the_parameter()
    {
        using var script = new ScriptFile("param([int] $Count) 'ran'");

        var result = await script.RunAsync("-Count", "many");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains("'Count'", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 5", 5)]
    [InlineData("function f { exit 6 } f", 6)]
    [InlineData("'x'; & { exit 7 }; 'y'", 7)]
    [InlineData("/bin/sh -c 'exit 9'", 0)]
    [InlineData("1/0", 0)]
    [InlineData("1/0; 'x'", 0)]
    [InlineData("throw 'x'", 1)]
    [InlineData("'x'\nif (", 1)]
    public async Task The_exit_code_of_a_script_is_the_one_pwsh_gives(string text, int expected)
    {
        using var script = new ScriptFile(ShellProcess.WithSystemsInterpreter(text));

        Assert.Equal(expected, (await script.RunAsync()).ExitCode);
    }

    [Fact]
    public async Task An_error_shows_the_script_the_line_and_the_place()
    {
        using var script = new ScriptFile("'one'\nfunction Fail { throw 'out of luck' }\nFail");

        var result = await script.RunAsync();

        Assert.Equal("one\n", result.Output);
        Assert.StartsWith($"Exception: {script.Path}:2\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("   2 |  function Fail { throw 'out of luck' }\n     |                  ~~~~~~~~~~~~~~~~~~~", result.Error, StringComparison.Ordinal);
        Assert.Contains("out of luck", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parse_error_shows_the_script_and_the_line()
    {
        using var script = new ScriptFile("'one'\nif (");

        var result = await script.RunAsync();

        Assert.Equal("", result.Output);
        Assert.StartsWith($"ParserError: {script.Path}:2\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_is_not_there_is_64_and_says_where_it_was_looked_for()
    {
        using var script = new ScriptFile("");

        var result = await ShellProcess.RunAsync(["missing.ps1"], folder: script.Folder);

        Assert.Equal(64, result.ExitCode);
        Assert.Contains($"'missing.ps1' was not found (looked at {Path.Combine(script.Folder, "missing.ps1")})", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_or_another_kind_of_file_is_64()
    {
        using var text = new ScriptFile("not a script", "notes.txt");

        var folder = await ShellProcess.RunAsync([text.Folder]);
        var file = await ShellProcess.RunAsync([text.Path]);

        Assert.Equal(64, folder.ExitCode);
        Assert.Contains("is a folder", folder.Error, StringComparison.Ordinal);
        Assert.Equal(64, file.ExitCode);
        Assert.Contains("must end in .ps1", file.Error, StringComparison.Ordinal);
    }
}
