using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class WorkerTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    [Fact]
    public void Workers_are_listed_by_pool_and_id()
    {
        _runspace.Run("$bus = New-StdioBus -PoolConfig @{ Id = 'a'; Command = $worker; Args = 'kit'; Instances = 2 }, @{ Id = 'b'; Command = $worker; Args = 'kit' }");
        Assert.Equal("a a b", _runspace.RunOne("(Get-BusWorker | ForEach-Object Pool) -join ' '"));
        Assert.Equal(1, _runspace.RunOne("@(Get-BusWorker b).Count"));
        Assert.Equal("a a b", _runspace.RunOne("(Get-BusWorker a*, [b-c] | ForEach-Object Pool) -join ' '"));
        Assert.Empty(_runspace.Run("Get-BusWorker A*"));
        Assert.Equal(1, _runspace.RunOne("(Get-BusWorker -Id 1).Id"));
        _runspace.RunWithErrors("Get-BusWorker -Id 1, 99 | ForEach-Object { }").OnlyError("BusWorkerNotFound");
        _runspace.RunWithErrors("Get-BusWorker nope").OnlyError("BusPoolNotFound");
        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Get-BusWorker b"));
        Assert.Equal(((long)_runspace.RunOne("(Invoke-BusRequest about -Pool b).pid")!, WorkerState.Running), (worker.ProcessId, worker.State));
    }

    [Fact]
    public void A_worker_that_ended_shows_how_and_is_replaced()
    {
        _runspace.Run("$bus = Start-Kit; $sub = Register-BusSubscription; Invoke-BusRequest exit @{ code = 7; stderr = 'goodbye' } -ErrorAction SilentlyContinue");
        // The next request waits for the new worker.
        Assert.NotNull(_runspace.RunOne("(Invoke-BusRequest about).pid"));
        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Get-BusWorker"));
        Assert.Equal((7, 1L, WorkerState.Running), (worker.LastExitCode, worker.Restarts, worker.State));
        Assert.Contains("7", worker.LastExitReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Workers_are_restarted_by_id_or_from_the_pipeline_and_are_then_there()
    {
        _runspace.Run("$bus = New-StdioBus -PoolConfig @{ Id = 'a'; Command = $worker; Args = 'kit'; Instances = 2 }, @{ Id = 'b'; Command = $worker; Args = 'kit' }; $before = Get-BusWorker");
        Assert.Empty(_runspace.Run("Restart-BusWorker 0"));
        Assert.Equal([1, 2], _runspace.Run("Get-BusWorker -Id 1, 2 | Restart-BusWorker -Force -PassThru | ForEach-Object Id").Select(item => item.BaseObject));
        Assert.Equal("1 1 1", _runspace.RunOne("(Get-BusWorker | ForEach-Object Restarts) -join ' '"));
        Assert.DoesNotContain(true, _runspace.Run("$before.ProcessId").Select(item => OtherProcess.Exists((int)item.BaseObject)));
        Assert.Equal(_runspace.RunOne("(Get-BusWorker b).ProcessId"), Convert.ToInt32(_runspace.RunOne("(Invoke-BusRequest about -Pool b).pid"), null));
    }

    [Fact]
    public void A_stopped_worker_stays_so_until_it_is_restarted()
    {
        _runspace.Run("$bus = Start-Kit; $worker0 = Get-BusWorker");
        Assert.Equal(WorkerState.Stopped, _runspace.RunOne("($worker0 | Stop-BusWorker -PassThru).State"));
        _runspace.Run("Stop-BusWorker -Id 0 -Force");
        _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusUnavailable");
        _runspace.Run("Restart-BusWorker $worker0; $null = Invoke-BusRequest echo @{}");
    }

    [Fact]
    public void A_worker_that_is_not_there_leaves_the_others_alone()
    {
        _runspace.Run("$bus = Start-Kit; $old = Start-Kit old; $gone = Get-BusWorker; Remove-StdioBus $old; $closed = Start-Kit closed; $idle = Get-BusWorker; Stop-StdioBus $closed; Select-StdioBus $bus");
        ScriptRun run = _runspace.RunWithErrors("Restart-BusWorker 9, 0, -1 -PassThru");
        Assert.Equal(["BusWorkerNotFound", "BusWorkerNotFound"], run.Errors.Select(error => error.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Equal([9, -1], run.Errors.Select(error => error.TargetObject));
        Assert.Equal(1L, ((BusWorker)Assert.Single(run.Output).BaseObject).Restarts);
        run = _runspace.RunWithErrors("$gone, $idle, (Get-BusWorker) | Stop-BusWorker -PassThru");
        Assert.Equal(["BusNotFound", "BusInvalidState"], run.Errors.Select(error => error.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Single(run.Output);
    }

    [Fact]
    [Trait("Covers", "A33")]
    public void Ctrl_c_ends_waiting_for_the_end_of_a_stubborn_worker()
    {
        _runspace.Run("$bus = New-StdioBus slow $worker stubborn; $null = Invoke-BusRequest pid");
        using (RunningScript script = _runspace.Start("'stopping'; Stop-BusWorker 0"))
        {
            Assert.Equal("stopping", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Stop-BusWorker 0 -Force -PassThru"));
        Assert.Equal(OperatingSystem.IsWindows() ? (1, null) : (null, 9), (worker.LastExitCode, worker.LastExitSignal));
    }

    [Fact]
    public void A_worker_shows_what_went_to_and_fro()
    {
        _runspace.Run("$bus = Start-Kit; 1..5 | ForEach-Object { $null = Invoke-BusRequest echo @{ n = 1; sessionId = \"s$_\" } }");
        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Get-BusWorker"));
        Assert.Equal((5L, 5L, 5L, 0L), (worker.MessagesIn, worker.MessagesOut, worker.Sessions, worker.Pending));
        Assert.True(worker is { BytesIn: > 0, BytesOut: > 0 } && worker.Uptime > TimeSpan.Zero && worker.StartedAt is not null);
        Assert.Equal((null, null, null, ""), (worker.LastExitCode, worker.LastExitSignal, worker.LastExitReason, worker.StandardErrorTail));
    }

    [Fact]
    public void A_worker_that_is_not_replaced_keeps_its_last_words()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Limit = @{ MaxRestarts = 0 } }; Invoke-BusRequest exit @{ code = 7; stderr = 'goodbye' } -ErrorAction SilentlyContinue");
        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Get-BusWorker"));
        Assert.Equal((7, 0L, 0), (worker.LastExitCode, worker.Restarts, worker.ProcessId));
        Assert.Contains("goodbye", worker.StandardErrorTail, StringComparison.Ordinal);
        Assert.Equal("BusUnavailable", _runspace.RunToError("Invoke-BusRequest echo -ErrorAction Stop").FullyQualifiedErrorId.Split(',')[0]);
    }
}
