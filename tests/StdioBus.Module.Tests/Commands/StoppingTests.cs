using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A33")]
public sealed class StoppingTests : IDisposable
{
    private const int Attempts = 3;

    private readonly TestRunspace _runspace = new();
    private readonly TestRunspace _other = new();

    public StoppingTests()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Dialect = 'JsonRpcCancel' }");
        _other.Runspace.SessionStateProxy.SetVariable("bus", _runspace.Runspace.SessionStateProxy.GetVariable("bus"));
    }

    public void Dispose()
    {
        _other.Dispose();
        _runspace.Dispose();
    }

    [Theory]
    [InlineData("Invoke-BusRequest hold @{} -Timeout Infinite")]
    [InlineData("1..5 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -ThrottleLimit 1")]
    [InlineData("1..5 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -Ordered")]
    [InlineData("Invoke-BusRequest hold @{} -Verbose")]
    [InlineData("Invoke-BusStream hold @{}")]
    public void Ctrl_c_ends_a_call_at_once_and_the_worker_hears_of_it(string command)
    {
        int cancelled = 0;
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            using RunningScript script = _runspace.Start(command);
            int held = command.Contains("-Ordered", StringComparison.Ordinal) ? 5 : 1;
            _other.Run("$null = Invoke-BusRequest held @{ n = $n } -Bus $bus", ("n", held));
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
            cancelled += held;
            _other.Run("$null = Invoke-BusRequest cancelled @{ n = $n } -Bus $bus", ("n", cancelled));
        }

        Assert.Equal(0, _other.RunOne("$bus.PendingCount"));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 }).ok"));
    }

    [Theory]
    [InlineData("Receive-BusNotification $sub -Wait")]
    [InlineData("Receive-BusNotification $sub, $sub2 -Wait -First 3 -Timeout 1000")]
    public void Ctrl_c_ends_waiting_for_notifications_and_loses_none(string command)
    {
        _runspace.Run("$sub = Register-BusSubscription tick; $sub2 = Register-BusSubscription tock");
        using (RunningScript script = _runspace.Start("'waiting'; " + command))
        {
            Assert.Equal("waiting", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        _runspace.Run("$null = Invoke-BusRequest notify @{ method = 'tick'; count = 3 }");
        Assert.Equal(3, _runspace.RunOne("@(Receive-BusNotification $sub -Wait -First 3).Count"));
    }

    [Fact]
    public void Ctrl_c_ends_waiting_for_a_stubborn_worker_and_force_ends_the_worker()
    {
        _runspace.Run("$slow = New-StdioBus slow $worker stubborn; $null = Invoke-BusRequest pid -Bus $slow");
        int pid = (int)_runspace.RunOne("(Get-BusWorker -Bus $slow).ProcessId")!;
        using (RunningScript script = _runspace.Start("'removing'; Remove-StdioBus $slow"))
        {
            Assert.Equal("removing", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        _runspace.Run("Remove-StdioBus $slow -Force");
        Assert.False(OtherProcess.Exists(pid));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 } -Bus $bus).ok"));
    }

    [Fact]
    public void Enough_for_the_next_command_ends_a_stream_and_the_worker_hears_of_it()
    {
        Assert.Equal("a", _runspace.RunOne("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly | Select-Object -First 1"));
        _other.Run("$null = Invoke-BusRequest cancelled @{ n = 1 } -Bus $bus");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 }).ok"));
    }

    [Fact]
    public void Enough_for_the_next_command_ends_requests_under_way()
    {
        Assert.Equal(2L, _runspace.RunOne("@{ hold = 1 }, @{ n = 2 }, @{ hold = 3 } | Invoke-BusRequest maybe | Select-Object -First 1 | ForEach-Object n"));
        // The third may not have been sent yet; the first was, for the second was answered after it.
        _other.Run("$null = Invoke-BusRequest cancelled @{ n = 1 } -Bus $bus");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void Enough_for_the_next_command_ends_waiting_for_notifications_and_loses_none()
    {
        _runspace.Run("$sub = Register-BusSubscription tick; $null = Invoke-BusRequest notify @{ method = 'tick'; params = @{ n = '$i' }; count = 5 }");
        Assert.Equal([0L, 1L], _runspace.Run("Receive-BusNotification $sub -Wait | Select-Object -First 2 | ForEach-Object { $_.Params.n }").Select(item => item.BaseObject));
        Assert.Equal([2L, 3L, 4L], _runspace.Run("Receive-BusNotification $sub | ForEach-Object { $_.Params.n }").Select(item => item.BaseObject));
    }

    [Fact]
    public void An_exception_downstream_ends_the_calls()
    {
        ScriptRun run = _runspace.RunWithErrors("@{ hold = 1 }, @{ n = 2 } | Invoke-BusRequest maybe | ForEach-Object { throw 'enough' }");
        Assert.Equal("enough", run.Terminating?.ToString());
        _other.Run("$null = Invoke-BusRequest cancelled @{ n = 1 } -Bus $bus");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }
}
