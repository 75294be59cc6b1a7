namespace StdioBus.Shell.Tests;

public sealed class InterruptionTests
{
    [Theory]
    [InlineData("Interrupt", 130)]
    [InlineData("Terminate", 143)]
    [InlineData("Hangup", 129)]
    public async Task A_signal_ends_a_script_that_would_run_for_ever(string signal, int expected)
    {
        await using var shell = ShellProcess.Command("'ready'; while ($true) { }");

        Assert.Equal("ready", await shell.ReadLineAsync());
        shell.Signal(Enum.Parse<PosixSignalNumber>(signal));
        var result = await shell.EndAsync();

        Assert.Equal(expected, result.ExitCode);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task Finally_blocks_run_at_Ctrl_C()
    {
        using var script = new ScriptFile("try { 'ready'; while ($true) { } } finally { [System.IO.File]::WriteAllText(\"$PSScriptRoot/done\", 'cleaned up') }");
        await using var shell = ShellProcess.Start([script.Path]);

        Assert.Equal("ready", await shell.ReadLineAsync());
        shell.Signal(PosixSignalNumber.Interrupt);
        await shell.EndAsync();

        Assert.Equal("cleaned up", await File.ReadAllTextAsync(Path.Combine(script.Folder, "done"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Invoke-BusRequest sleep @{ milliseconds = 3600000 } -Timeout 0")]
    [InlineData("Invoke-BusStream sleep @{ milliseconds = 3600000 } -IdleTimeout 0")]
    [InlineData("Receive-BusNotification (Register-BusSubscription tick) -Wait")]
    [Trait("Acceptance", "A33")]
    [Trait("Acceptance", "A21")]
    public async Task Ctrl_C_ends_a_waiting_command_and_the_workers_with_it(string command)
    {
        await using var shell = ShellProcess.Command(WorkerProcesses.StartBus(instances: 2) + command);

        using var workers = await WorkerProcesses.ReadAsync(shell);
        Assert.Equal(2, workers.Count);
        shell.Signal(PosixSignalNumber.Interrupt);
        var result = await shell.EndAsync();

        Assert.Equal(130, result.ExitCode);
        Assert.Equal("", result.Error);
        workers.AssertEnded();
    }

    [Fact]
    [Trait("Acceptance", "A21")]
    public async Task A_second_Ctrl_C_ends_a_script_that_cannot_be_stopped_and_the_workers_with_it()
    {
        await using var shell = ShellProcess.Command(WorkerProcesses.StartBus(instances: 1) + "[System.Threading.Thread]::Sleep(3600000)");

        using var workers = await WorkerProcesses.ReadAsync(shell);
        shell.Signal(PosixSignalNumber.Interrupt);
        shell.Signal(PosixSignalNumber.Terminate);
        var result = await shell.EndAsync();

        Assert.True(result.ExitCode > 128, $"It ended with {result.ExitCode}, not by a signal.");
        await workers.EndAsync();
    }
}
