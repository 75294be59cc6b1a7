using StdioBus.Module.Tests.Engine;
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
    public void A_worker_that_is_not_replaced_keeps_its_last_words()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Limit = @{ MaxRestarts = 0 } }; Invoke-BusRequest exit @{ code = 7; stderr = 'goodbye' } -ErrorAction SilentlyContinue");
        var worker = Assert.IsType<BusWorker>(_runspace.RunOne("Get-BusWorker"));
        Assert.Equal((7, 0L, 0), (worker.LastExitCode, worker.Restarts, worker.ProcessId));
        Assert.Contains("goodbye", worker.StandardErrorTail, StringComparison.Ordinal);
        Assert.Equal("BusUnavailable", _runspace.RunToError("Invoke-BusRequest echo -ErrorAction Stop").FullyQualifiedErrorId.Split(',')[0]);
    }
}
