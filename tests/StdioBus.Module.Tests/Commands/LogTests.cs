using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A23")]
public sealed class LogTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    // The default mode of the test worker writes to stderr what it is told.
    private const string Talkers = "$bus = New-StdioBus talk $worker -Instances 2";

    // The answer may overtake what was written to stderr before it.
    private void Say(int worker, params string[] lines)
    {
        var bus = (Bus)_runspace.RunOne("$bus")!;
        _runspace.Run("$null = Invoke-BusRequest stderr @{ lines = $lines } -SessionId \"s$talker\"", ("lines", lines), ("talker", worker));
        Assert.True(SpinWait.SpinUntil(() => bus.GetLog().Any(entry => entry.Text == lines[^1]), TestRunspace.Deadline));
    }

    [Fact]
    public void The_kernels_lines_and_those_of_workers_are_listed_in_order()
    {
        _runspace.Run(Talkers);
        Say(1, "first", "second");
        BusLogEntry[] all = [.. _runspace.Run("Get-BusLog").Select(item => (BusLogEntry)item.BaseObject)];
        Assert.Contains(all, entry => entry is { WorkerId: null, Level: BusLogLevel.Information });
        Assert.Equal(["first", "second"], all.Where(entry => entry.WorkerId is not null).Select(entry => entry.Text));
        Assert.Equal(all.Select(entry => entry.Sequence).Order(), all.Select(entry => entry.Sequence));
        Assert.Equal("second", _runspace.RunOne("($bus | Get-BusLog -Last 1).Text"));
        Assert.Equal(2, _runspace.RunOne("@(Get-BusLog -Last 2).Count"));
        Assert.Empty(_runspace.Run("Get-BusLog -Last 0"));
    }

    [Fact]
    public void Workers_and_levels_are_chosen()
    {
        _runspace.Run(Talkers);
        Say(0, "from one");
        Say(1, "from the other");
        object? first = _runspace.RunOne("(Get-BusLog | Where-Object Text -eq 'from one').WorkerId");
        Assert.Equal("from one", _runspace.RunOne("(Get-BusLog $id).Text", ("id", first)));
        Assert.Equal(2, _runspace.RunOne("@(Get-BusLog -Worker 0, 1).Count"));
        Assert.Equal(["from one", "from the other"], _runspace.Run("Get-BusWorker | Get-BusLog | ForEach-Object Text").Select(item => (string)item.BaseObject).Order(StringComparer.Ordinal));
        _runspace.RunWithErrors("Get-BusWorker 'talk' -Id 0 | Stop-StdioBus").OnlyError("BusInvalidArgument");
        _runspace.RunWithErrors("Get-BusLog -Worker 2").OnlyError("BusWorkerNotFound");
        Assert.Empty(_runspace.Run("Get-BusLog -Level Warning"));
        _runspace.Run("Invoke-BusRequest exit @{ code = 3 } -ErrorAction SilentlyContinue");
        Assert.Contains("code 3", (string)_runspace.RunOne("(Get-BusLog -Level Warning).Text")!, StringComparison.Ordinal);
    }

    [Fact]
    public void No_more_than_the_last_lines_are_kept()
    {
        _runspace.Run(Talkers + "; $sequence = (Get-BusLog -Last 1).Sequence");
        Say(0, [.. Enumerable.Range(1, 1500).Select(i => $"line {i}")]);
        Assert.Equal(1000, _runspace.RunOne("@(Get-BusLog).Count"));
        Assert.Equal("line 1500", _runspace.RunOne("(Get-BusLog -Last 1).Text"));
    }

    [Fact]
    public void Waiting_shows_lines_as_they_come_until_the_bus_is_stopped()
    {
        _runspace.Run(Talkers);
        using var other = new TestRunspace();
        using RunningScript script = other.Start("'waiting'; Get-BusLog -Last 0 -Wait -Worker 0, 1 | ForEach-Object Text; 'over'");
        Assert.Equal("waiting", script.Next().BaseObject);
        Say(0, "one");
        Assert.Equal("one", script.Next().BaseObject);
        Say(1, "two");
        Assert.Equal("two", script.Next().BaseObject);
        _runspace.Run("Stop-StdioBus");
        Assert.Equal("over", Assert.Single(script.Finish()).BaseObject);
    }

    [Fact]
    [Trait("Covers", "A33")]
    public void Ctrl_c_and_enough_for_the_next_command_end_the_waiting()
    {
        _runspace.Run(Talkers);
        using (RunningScript script = _runspace.Start("'waiting'; Get-BusLog -Last 0 -Wait"))
        {
            Assert.Equal("waiting", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        Assert.Single(_runspace.Run("Get-BusLog -Wait | Select-Object -First 1"));
    }

    [Fact]
    public void The_log_of_a_stopped_bus_is_still_there()
    {
        _runspace.Run(Talkers);
        Say(0, "last words");
        Assert.Contains("last words", _runspace.Run("Stop-StdioBus; Get-BusLog -Wait | ForEach-Object Text").Select(item => item.BaseObject));
    }
}
