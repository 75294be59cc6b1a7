namespace StdioBus.Shell.Tests;

public sealed class LifetimeTests
{
    [Theory]
    [InlineData("'end'", 0)]
    [InlineData("exit 3", 3)]
    [InlineData("throw 'x'", 1)]
    [Trait("Acceptance", "A21")]
    public async Task A_script_that_forgets_its_bus_leaves_no_worker(string end, int exitCode)
    {
        await using var shell = ShellProcess.Command(WorkerProcesses.StartBus(instances: 2) + end);

        using var workers = await WorkerProcesses.ReadAsync(shell);
        var result = await shell.EndAsync();

        Assert.Equal(exitCode, result.ExitCode);
        workers.AssertEnded();
    }

    [Fact]
    [Trait("Acceptance", "A21")]
    public async Task A_shell_that_is_killed_leaves_no_worker()
    {
        await using var shell = ShellProcess.Command(WorkerProcesses.StartBus(instances: 2) + "[Console]::In.ReadLine()");

        using var workers = await WorkerProcesses.ReadAsync(shell);
        shell.Kill();
        await shell.EndAsync();

        await workers.EndAsync();
    }
}
