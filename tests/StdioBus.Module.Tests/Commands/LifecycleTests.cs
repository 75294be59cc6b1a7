using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A21")]
public sealed class LifecycleTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    private const string Made = "$bus = New-StdioBus kit $worker kit -NoStart";

    [Fact]
    public void A_bus_is_made_first_and_started_later_once()
    {
        Assert.Equal(BusState.Created, _runspace.RunOne($"{Made}; $bus.State"));
        Assert.Contains("Start-StdioBus", _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusInvalidState").ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Empty(_runspace.Run("Start-StdioBus"));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ a = 1 }).a"));
        ErrorRecord again = _runspace.RunWithErrors("Start-StdioBus $bus").OnlyError("BusInvalidState");
        Assert.Contains("starts once", again.ToString(), StringComparison.Ordinal);
        Assert.Same(_runspace.RunOne("$bus"), again.TargetObject);
    }

    [Fact]
    public void Several_are_started_and_stopped_by_the_pipeline_and_one_that_cannot_be_leaves_the_others_alone()
    {
        _runspace.Run("$a = New-StdioBus a $worker kit -NoStart -Name a; $b = New-StdioBus b $worker kit -Name b; $c = New-StdioBus c $worker kit -NoStart -Name c");
        ScriptRun run = _runspace.RunWithErrors("$a, 'b', $c | Start-StdioBus -PassThru");
        Assert.Equal(["a", "c"], run.Output.Select(item => ((Bus)item.BaseObject).Name));
        run.OnlyError("BusInvalidState");
        Assert.Equal(["Stopped", "Stopped", "Stopped"], _runspace.Run("Get-StdioBus | Stop-StdioBus -PassThru | ForEach-Object { [string]$_.State }").Select(item => item.BaseObject));
    }

    [Fact]
    public void A_start_that_takes_longer_than_its_timeout_is_given_up_and_leaves_nothing()
    {
        // So many processes cannot be there within a millisecond.
        _runspace.Run($"$bus = New-StdioBus many @quick -Instances {(OperatingSystem.IsWindows() ? 5 : 200)} -NoStart");
        ErrorRecord error = _runspace.RunToError("Start-StdioBus -Timeout 0.001");
        Assert.StartsWith("BusTimeout,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(0, _runspace.RunOne("$bus.WorkerCount"));
        _runspace.Run("Remove-StdioBus $bus; $bus = New-StdioBus kit $worker kit -NoStart; Start-StdioBus -Timeout 60; $null = Invoke-BusRequest echo @{}");
    }

    [Fact]
    public void A_stopped_bus_can_still_be_looked_at_until_it_is_removed()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Name = 'kept' }; $null = Invoke-BusRequest echo @{}");
        int pid = (int)_runspace.RunOne("(Get-BusWorker).ProcessId")!;
        Assert.Empty(_runspace.Run("$bus | Stop-StdioBus; Stop-StdioBus kept"));
        Assert.False(OtherProcess.Exists(pid));
        Assert.Equal(1L, _runspace.RunOne("(Get-StdioBus kept).Statistics.Results"));
        Assert.NotEmpty(_runspace.Run("Get-BusLog"));
        Assert.Contains("New-StdioBus", _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusInvalidState").ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        _runspace.Run("Remove-StdioBus kept");
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void A_stop_fails_what_waits_and_tells_the_workers_at_most_for_its_timeout()
    {
        _runspace.Run("$bus = New-StdioBus kit $worker stubborn; $null = Invoke-BusRequest pid");
        int pid = (int)_runspace.RunOne("(Get-BusWorker).ProcessId")!;
        using RunningScript caller = _runspace.Start("Invoke-BusRequest hold @{ key = 'k' } -Timeout Infinite");
        using var other = new TestRunspace();
        Assert.True(SpinWait.SpinUntil(() => BusRegistry.Open[0].PendingCount == 1, TestRunspace.Deadline));
        other.Run("Get-StdioBus | Stop-StdioBus -Timeout 1");
        Assert.False(OtherProcess.Exists(pid));
        caller.Finish();
        Assert.StartsWith("BusTransportError,", Assert.Single(caller.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Covers", "A33")]
    public void Ctrl_c_ends_waiting_for_a_stop_and_the_stop_goes_on()
    {
        _runspace.Run("$bus = New-StdioBus kit $worker stubborn; $null = Invoke-BusRequest pid");
        var bus = (Bus)_runspace.RunOne("$bus")!;
        using (RunningScript script = _runspace.Start("'stopping'; Stop-StdioBus $bus -Timeout Infinite"))
        {
            Assert.Equal("stopping", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        _runspace.Run("Stop-StdioBus $bus -Timeout 1");
        Assert.Equal(BusState.Stopped, bus.State);
    }

    [Fact]
    [Trait("Covers", "A38")]
    public void What_if_starts_and_stops_nothing()
    {
        Assert.Empty(_runspace.Run("New-StdioBus kit $worker kit -NoStart -WhatIf; " + Made + "; Start-StdioBus $bus -WhatIf; Connect-StdioBus -WhatIf"));
        Assert.Equal(BusState.Created, _runspace.RunOne("$bus.State"));
        _runspace.Run("Start-StdioBus $bus -Confirm:$false; Stop-StdioBus $bus -WhatIf; Restart-BusWorker 0 -WhatIf; Stop-BusWorker 0 -Force -WhatIf");
        Assert.Equal((BusState.Running, 0L), (_runspace.RunOne("$bus.State"), _runspace.RunOne("(Get-BusWorker).Restarts")));
        Assert.Contains("Kill", _runspace.Host.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_start_that_fails_says_why_and_leaves_nothing_running()
    {
        _runspace.Run("$bus = New-StdioBus kit $worker kit -NoStart -ListenMode Tcp -TcpPort 0; Start-StdioBus $bus; $port = $bus.ListenEndpoint -replace '^.*:'; $second = New-StdioBus kit $worker kit -NoStart -ListenMode Tcp -TcpPort $port");
        ErrorRecord error = _runspace.RunWithErrors("Start-StdioBus $second").OnlyError("BusTransportError");
        Assert.Contains("listener's address", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Equal(BusState.Stopped, _runspace.RunOne("$second.State"));
    }
}
