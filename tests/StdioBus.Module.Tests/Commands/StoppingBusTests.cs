using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>Ctrl+C, and a next command that has had enough, at the commands that start, end and meet workers.</summary>
[Trait("Covers", "A33")]
public sealed class StoppingBusTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    // Stops a command as Ctrl+C does while it waits.
    private void StopAt(string command, Func<bool>? waits = null)
    {
        using RunningScript script = _runspace.Start($"'waiting'; {command}");
        Assert.Equal("waiting", script.Next().BaseObject);
        Assert.True(waits is null || SpinWait.SpinUntil(waits, TestRunspace.Deadline), "the command does not get to its wait within the deadline");
        Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
    }

    private static void Await(Func<bool> what, string text) => Assert.True(SpinWait.SpinUntil(what, TestRunspace.Deadline), text);

    [Theory]
    [InlineData("Restart-BusWorker 0", 1)]
    [InlineData("Get-BusWorker -Id 0 | Restart-BusWorker -PassThru", 1)]
    [InlineData("Stop-BusWorker 0", 0)]
    public void Ctrl_c_ends_waiting_for_a_worker_that_will_not_end_and_the_bus_goes_on(string command, int restarts)
    {
        // It heeds neither the end of its input nor SIGTERM, and is killed after some seconds.
        var bus = (Bus)_runspace.RunOne("$bus = New-StdioBus kit $worker stubborn -Instances 2; $null = 1..4 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo; $bus")!;
        int pid = bus.GetWorkers()[0].ProcessId;
        StopAt(command, () => bus.GetWorkers()[0].State != WorkerState.Running);
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 }).ok"));
        Await(() => !OtherProcess.Exists(pid), "what was begun does not go on");
        Await(() => bus.GetWorkers()[0] is var worker && worker.Restarts == restarts && worker.State == (restarts == 1 ? WorkerState.Running : WorkerState.Stopped), "the worker is not what was asked for");
    }

    [Fact]
    public void Ctrl_c_ends_a_start_and_what_was_started_is_gone()
    {
        // More than are there at once. Processes are dearer on Windows.
        int many = OperatingSystem.IsWindows() ? 40 : 400;
        var bus = (Bus)_runspace.RunOne($"$bus = New-StdioBus many @quick -Instances {many} -NoStart; $bus")!;
        StopAt("Start-StdioBus $bus", () => bus.State == BusState.Starting);
        Await(() => bus.State == BusState.Stopped && bus.WorkerCount == 0, "workers are left");
        _runspace.Run("Remove-StdioBus $bus; $bus = Start-Kit; $null = Invoke-BusRequest echo @{}");
    }

    [Theory]
    [InlineData("New-StdioBus deaf $worker never-reads -Hello -Timeout Infinite", false)]
    [InlineData("$deaf = New-StdioBus deaf $worker never-reads -NoStart; Connect-StdioBus -Timeout Infinite", true)]
    public void Ctrl_c_ends_a_handshake_and_a_bus_that_nobody_got_is_gone(string command, bool stays)
    {
        StopAt(command, () => BusRegistry.Open is [{ PendingCount: 1 }]);
        Await(() => stays ? BusRegistry.Open is [{ PendingCount: 0, State: BusState.Running }] : BusRegistry.Open.Count == 0, "the bus is not what it should be");
        _runspace.Run("Get-StdioBus | Remove-StdioBus -Force; $bus = Start-Kit; $null = Invoke-BusRequest echo @{}");
    }

    [Theory]
    [InlineData("Remove-StdioBus $bus")]
    [InlineData("Stop-StdioBus $bus")]
    [InlineData("$bus, $second | Stop-StdioBus -Timeout Infinite -PassThru")]
    public void Ctrl_c_ends_waiting_for_a_stop_and_other_buses_are_as_usable_as_before(string command)
    {
        var bus = (Bus)_runspace.RunOne("$third = Start-Kit; $second = Start-Kit; $bus = New-StdioBus slow $worker stubborn; $null = Invoke-BusRequest pid; $bus")!;
        StopAt(command, () => bus.State == BusState.Stopping);
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 } -Bus $third).ok"));
        _runspace.Run("Get-StdioBus | Remove-StdioBus -Force");
        Assert.Equal(0, bus.WorkerCount);
    }

    [Fact]
    public void Enough_for_the_next_command_ends_starts_handshakes_restarts_and_stops()
    {
        _runspace.Run("$a = New-StdioBus a $worker -NoStart; $b = New-StdioBus b $worker -NoStart");
        Assert.Equal("a", _runspace.RunOne("($a, $b | Start-StdioBus -PassThru | Select-Object -First 1).Pools[0].Id"));
        Assert.Equal(BusState.Created, _runspace.RunOne("$b.State"));

        // One that never answers comes second: nobody waits for it.
        _runspace.Run("$deaf = New-StdioBus deaf $worker never-reads");
        Assert.Equal("agent-session", _runspace.RunOne("($a, $deaf | Connect-StdioBus -Timeout Infinite | Select-Object -First 1).SessionId"));
        Assert.Equal(0, _runspace.RunOne("$deaf.PendingCount"));

        _runspace.Run("$null = Select-StdioBus $a");
        Assert.Equal(0, _runspace.RunOne("(Get-BusWorker | Restart-BusWorker -PassThru | Select-Object -First 1).Id"));
        var slow = (Bus)_runspace.RunOne("$slow = New-StdioBus slow $worker stubborn; $null = Invoke-BusRequest pid; $slow")!;
        Assert.Equal("a", _runspace.RunOne("($a, $slow | Stop-StdioBus -Timeout Infinite -PassThru | Select-Object -First 1).Pools[0].Id"));
        Assert.Equal(BusState.Stopping, slow.State);
        _runspace.Run("Get-StdioBus | Remove-StdioBus -Force");
        Assert.Empty(BusRegistry.Open);
    }
}
