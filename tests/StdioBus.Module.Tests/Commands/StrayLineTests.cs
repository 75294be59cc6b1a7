using System.Management.Automation;
using StdioBus.Module.Pipeline;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "L21")]
public sealed class StrayLineTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    // The default mode of the test worker writes to stdout what it is told, as it is.
    private Bus StartTalker(int instances = 1) =>
        Assert.IsType<Bus>(_runspace.RunOne("$bus = New-StdioBus talk $worker -Instances $n -Name talkers; $bus", ("n", instances)));

    // By the core, which shows nothing; when it is answered the lines were skipped.
    private static Task EmitAsync(Bus bus, string session, params string[] lines) =>
        bus.RequestAsync("emit", new { lines }, new RequestOptions { SessionId = session });

    [Fact]
    public void Of_each_worker_that_begins_with_a_banner_the_first_line_is_a_warning_once()
    {
        ScriptRun run = _runspace.RunWithErrors("""
            $bus = New-StdioBus talk $worker garbage -Instances 2
            $first = 1..10 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo
            $second = 1..10 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo
            $first.Count, $second.Count
            """);
        Assert.Empty(run.Errors);
        Assert.Equal([10, 10], run.Output.Select(item => item.BaseObject));
        Assert.Equal(["Worker 0 of pool 'talk' of", "Worker 1 of pool 'talk' of"], run.Warnings.Select(warning => warning.Message[..26]).Order(StringComparer.Ordinal));
        Assert.All(run.Warnings, warning => Assert.Contains("skipped and counted, for it is not valid JSON: 'Welcome to the worker!'. ", warning.Message, StringComparison.Ordinal));
        Assert.Equal([3L, 3L], _runspace.Run("Get-BusWorker | ForEach-Object InvalidLines").Select(item => item.BaseObject));
    }

    [Theory]
    [InlineData("Invoke-BusRequest echo @{}")]
    [InlineData("Invoke-BusStream stream @{ count = 1; text = 'a' }")]
    [InlineData("Connect-StdioBus")]
    [InlineData("Wait-DoneWork -Bus $bus")]
    public async Task Whichever_command_waits_shows_it_and_none_after_it(string command)
    {
        Bus bus = StartTalker();
        await EmitAsync(bus, "s", "motd", "[1,2]");
        Assert.Equal(
            "Worker 0 of pool 'talk' of the bus 'talkers' wrote a line to stdout that was skipped and counted, for it is not valid JSON: 'motd'. " +
            "Text that is no message belongs on stderr, and a message is one line. More such lines of this worker are counted in InvalidLines of Get-BusWorker and listed by Get-BusLog.",
            Assert.Single(_runspace.RunWithErrors(command).Warnings).Message);
        await EmitAsync(bus, "s", "again");
        Assert.Empty(_runspace.RunWithErrors(command).Warnings);
        Assert.Equal(3, _runspace.Run("Get-BusLog -Level Warning").Count);
    }

    [Fact]
    public async Task A_timeout_tells_of_it_too()
    {
        Bus bus = StartTalker();
        await EmitAsync(bus, "s", "Welcome");
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest hold @{ key = 'k' } -Timeout 0.2").OnlyError("BusTimeout");
        Assert.EndsWith("The first such line is not valid JSON: Welcome", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_an_answer_that_is_too_long_it_says_what_to_raise()
    {
        ScriptRun run = _runspace.RunWithErrors("$bus = New-StdioBus kit $worker -Limit @{ MaxInputBuffer = 65536 }; Invoke-BusRequest fill @{ bytes = 100000 } -Timeout Infinite");
        ErrorRecord error = run.OnlyError("BusResourceExhausted");
        Assert.EndsWith(": the answer is longer than max_input_buffer (65536 bytes).", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("for it is longer than max_input_buffer: ", Assert.Single(run.Warnings).Message, StringComparison.Ordinal);
        Assert.Contains("If it was an answer, raise -Limit @{ MaxInputBuffer = … }.", run.Warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_shown_while_a_command_still_waits()
    {
        Bus bus = StartTalker();
        using RunningScript script = _runspace.Start("Invoke-BusRequest hold @{ key = 'k' } -Timeout Infinite");
        Assert.True(SpinWait.SpinUntil(() => bus.PendingCount == 1, TestRunspace.Deadline));
        Assert.Empty(script.Warnings);
        await EmitAsync(bus, "s", "Loading personal and system profiles took 1001ms.");
        Assert.True(SpinWait.SpinUntil(() => script.Warnings.Count == 1, TestRunspace.Deadline), "no warning within the deadline");
        Assert.True(script.IsRunning);
        await EmitAsync(bus, "s", """{"jsonrpc":"2.0","id":$(k),"result":1}""");
        Assert.Equal(1L, Assert.Single(script.Finish()).BaseObject);
        Assert.Single(script.Warnings);
    }

    [Fact]
    public void A_program_that_says_nothing_but_a_banner_fails_the_handshake_with_that_warning()
    {
        ScriptRun run = _runspace.RunWithErrors("New-StdioBus shell $worker says, Welcome -Hello -Timeout 2");
        run.OnlyError("BusTimeout");
        Assert.Contains("not valid JSON: 'Welcome'. ", Assert.Single(run.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Covers", "A38")]
    public async Task Warnings_are_redirected_kept_silenced_and_made_errors_as_everywhere()
    {
        Bus bus = StartTalker(4);
        for (int i = 0; i < 4; i++)
            await EmitAsync(bus, $"s{i}", "banner");

        Assert.Equal(4, bus.GetWorkers().Count(worker => worker.InvalidLines == 1));
        Assert.Equal(4, _runspace.RunOne("@(Invoke-BusRequest echo @{} 3>&1 | Where-Object { $_ -is [Management.Automation.WarningRecord] }).Count"));

        Bus other = Assert.IsType<Bus>(_runspace.RunOne("$bus = New-StdioBus talk $worker; $bus"));
        await EmitAsync(other, "s", "banner");
        ScriptRun silent = _runspace.RunWithErrors("$null = Invoke-BusRequest echo @{} -WarningAction SilentlyContinue -WarningVariable kept; $kept.Count");
        Assert.Empty(silent.Warnings);
        Assert.Equal(1, Assert.Single(silent.Output).BaseObject);

        Bus third = Assert.IsType<Bus>(_runspace.RunOne("$bus = New-StdioBus talk $worker; $bus"));
        await EmitAsync(third, "s", "banner");
        Assert.Contains("banner", _runspace.RunToError("$null = Invoke-BusRequest echo @{} -WarningAction Stop").ToString(), StringComparison.Ordinal);
        Assert.Empty(_runspace.RunWithErrors("$null = Invoke-BusRequest echo @{}").Warnings);
        Assert.Equal(0, third.PendingCount);
    }

    [Fact]
    public async Task A_long_line_is_cut_and_its_control_characters_do_not_reach_the_terminal()
    {
        Bus bus = StartTalker();
        await EmitAsync(bus, "s", "\u001b[31m" + new string('x', 500));
        string warning = Assert.Single(_runspace.RunWithErrors("$null = Invoke-BusRequest echo @{}").Warnings).Message;
        Assert.Contains("JSON: ' [31m" + new string('x', 75) + "…'. Text", warning, StringComparison.Ordinal);
        Assert.DoesNotContain(warning, char.IsControl);
    }

    [Fact]
    public async Task What_workers_write_to_stderr_is_no_warning_and_looking_costs_no_memory()
    {
        Bus bus = StartTalker();
        string[] lines = ["skipped a line on stdout, not valid JSON: x", "[worker=0] skipped a line on stdout, not valid JSON: x"];
        await bus.RequestAsync("stderr", new { lines }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => bus.GetLog().Any(line => line.Text.StartsWith("[worker=0] skipped", StringComparison.Ordinal)), TestRunspace.Deadline));
        Assert.Empty(_runspace.RunWithErrors("$null = Invoke-BusRequest echo @{}").Warnings);

        // No warning is written, so the command need not be one that runs.
        var command = new SelectFirstStandIn();
        StrayLines.Of(bus).Show(bus, command);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            StrayLines.Of(bus).Show(bus, command);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
