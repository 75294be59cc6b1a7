namespace StdioBus.Shell.Tests;

/// <summary>The shell in front of a person.</summary>
public sealed class TerminalTests
{
    /// <summary>Runs a command on the terminal. It must end with the line "over".</summary>
    private static async Task<ShellResult> RunAsync(PseudoTerminal terminal, string command, string environment = "NO_COLOR=", Func<Task>? person = null)
    {
        using var script = new ScriptFile(command + "\n'over'");
        await using var shell = ShellProcess.ThroughSh($"{environment} TERM=xterm exec dotnet \"$0\" {script.Path} < {terminal.Path} > {terminal.Path} 2>&1");
        shell.CloseInput();
        if (person is not null)
            await person();
        await terminal.WaitForAsync("over\r\n");
        return await shell.EndAsync();
    }

    [Fact]
    public async Task Tables_and_errors_are_coloured_and_as_wide_as_the_terminal()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "$Host.UI.RawUI.BufferSize.Width; [pscustomobject]@{ Name = 1 }; 1/0; $Host.UI.WriteWarningLine('careful')");

        Assert.Contains("80\r\n", terminal.Seen, StringComparison.Ordinal);
        Assert.Contains("\e[32;1mName\e[0m", terminal.Seen, StringComparison.Ordinal);
        Assert.Contains("\e[31;1m", terminal.Seen, StringComparison.Ordinal);
        Assert.Contains("\e[33;1mWARNING: careful", terminal.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NO_COLOR_is_honoured()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "[pscustomobject]@{ Name = 1 }; 1/0; $Host.UI.WriteWarningLine('careful')", environment: "NO_COLOR=1");

        Assert.Contains("WARNING: careful", terminal.Seen, StringComparison.Ordinal);
        Assert.DoesNotContain("m", terminal.Seen.Split('\e').Skip(1).Select(sequence => sequence.TrimStart('[', ';', '0', '1', '2', '3', '9')[..1]));
    }

    [Fact]
    public async Task Progress_is_one_line_that_goes_when_something_is_written()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, """
            $record = [System.Management.Automation.ProgressRecord]::new(1, 'Working', 'on it')
            $record.PercentComplete = 40
            $Host.UI.WriteProgress(1, $record)
            """);

        Assert.Contains("Working: 40 % on it\r\e[Kover", terminal.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_is_asked_and_the_answer_is_taken()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "$Host.UI.Write('Your name: '); \"Hello, $($Host.UI.ReadLine()).\"", person: async () =>
        {
            await terminal.WaitForAsync("Your name: ");
            terminal.Type("Ada\n");
        });

        Assert.Contains("Hello, Ada.", terminal.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mandatory_parameter_is_asked_for()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "function Greet { param([Parameter(Mandatory)] [string] $Name) \"Hello, $Name.\" } Greet", person: async () =>
        {
            await terminal.WaitForAsync("Name: ");
            terminal.Type("Ada\n");
        });

        Assert.Contains("Hello, Ada.", terminal.Seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n\n", "False")]
    [InlineData("Yes\n", "True")]
    [InlineData("what?\n\n", "True")]
    public async Task A_confirmation_takes_a_key_a_word_or_the_default(string answer, string expected)
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "function Act { [CmdletBinding(SupportsShouldProcess)] param() \"done: $($PSCmdlet.ShouldProcess('it', 'Act'))\" } Act -Confirm", person: async () =>
        {
            await terminal.WaitForAsync("(default is \"Y\"): ");
            terminal.Type(answer);
        });

        Assert.Contains($"done: {expected}", terminal.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_read_without_being_shown()
    {
        using var terminal = new PseudoTerminal();

        await RunAsync(terminal, "$Host.UI.Write('Secret: '); $secret = $Host.UI.ReadLineAsSecureString(); \"length $($secret.Length)\"", person: async () =>
        {
            await terminal.WaitForAsync("Secret: ");
            await terminal.WaitForNoEchoAsync();
            terminal.Type("open sesame\u007f\n");
        });

        Assert.Contains("length 10", terminal.Seen, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", terminal.Seen, StringComparison.Ordinal);
    }
}
