using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A34")]
public sealed class PipelineInputTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    private readonly Bus _bus;

    public PipelineInputTests() => _bus = Assert.IsType<Bus>(_runspace.RunOne("$bus = Start-Kit; $bus"));

    public void Dispose() => _runspace.Dispose();

    private static object? Unwrapped(ErrorRecord error) => error.TargetObject is PSObject wrapped ? wrapped.BaseObject : error.TargetObject;

    [Fact]
    public void Of_ten_thousand_inputs_one_fails_and_all_others_have_their_result()
    {
        ScriptRun run = _runspace.RunWithErrors("1..10000 | ForEach-Object { @{ n = $_; bad = 7777 } } | Invoke-BusRequest fail-on -ThrottleLimit 64");
        Assert.Equal(
            Enumerable.Range(1, 10_000).Where(n => n != 7777).Select(n => (long)n),
            run.Output.Select(item => (long)item.Properties["n"].Value).Order());
        ErrorRecord error = run.OnlyError("BusRpcError");
        Assert.Equal("7777", Assert.IsType<System.Collections.Hashtable>(Unwrapped(error))["n"]?.ToString());
        Assert.Null(run.Terminating);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void Of_ten_thousand_ordered_inputs_the_one_that_fails_is_in_its_place()
    {
        ScriptRun run = _runspace.RunWithErrors("1..10000 | ForEach-Object { @{ n = $_; bad = 7777 } } | Invoke-BusRequest fail-on -ThrottleLimit 64 -Ordered 2>&1");
        Assert.Empty(run.Errors);
        Assert.Equal(10_000, run.Output.Count);
        ErrorRecord error = Assert.IsType<ErrorRecord>(run.Output[7776].BaseObject);
        Assert.Equal("7777", Assert.IsType<System.Collections.Hashtable>(Unwrapped(error))["n"]?.ToString());
        run.Output.RemoveAt(7776);
        Assert.Equal(Enumerable.Range(1, 10_000).Where(n => n != 7777).Select(n => (long)n), run.Output.Select(item => (long)item.Properties["n"].Value));
    }

    [Fact]
    public void Results_come_as_they_are_ready_not_in_the_order_of_the_input()
    {
        using RunningScript script = _runspace.Start("@{ n = 1; hold = $true }, @{ n = 2 }, @{ n = 3 } | Invoke-BusRequest maybe");
        long[] early = [(long)script.Next().Properties["n"].Value, (long)script.Next().Properties["n"].Value];
        Assert.Equal([2, 3], early.Order());
        using var other = new TestRunspace();
        other.Run("$null = Invoke-BusRequest release -Bus $bus", ("bus", _bus));
        Assert.Equal(1L, Assert.Single(script.Finish()).Properties["n"].Value);
    }

    [Fact]
    public void Ordered_output_follows_the_input_errors_included_whatever_is_ready_first()
    {
        // The worker answers each ten in reverse. Three inputs never get there, and their errors are in their places.
        ScriptRun run = _runspace.RunWithErrors("""
            1..30 | ForEach-Object { @{ n = $_; of = 10 } } | Invoke-BusRequest reverse -ThrottleLimit 10 -Ordered
            & { @{ n = 31 }; 'no params'; @{ n = 33 } } | Invoke-BusRequest echo -Ordered 2>&1
            """);
        Assert.Equal(Enumerable.Range(1, 31).Select(n => (long)n), run.Output.Take(31).Select(item => (long)item.Properties["n"].Value));
        Assert.IsType<ErrorRecord>(run.Output[31].BaseObject);
        Assert.Equal(33L, run.Output[32].Properties["n"].Value);
    }

    [Fact]
    public void An_input_is_sent_before_the_next_one_is_made()
    {
        // Each result is what the worker had heard until then.
        ScriptRun run = _runspace.RunWithErrors("""
            1..100 | ForEach-Object { Send-BusNotification "note/$_"; @{} } | Invoke-BusRequest received -ThrottleLimit 64 -Ordered |
                ForEach-Object { $_.Length }
            """);
        Assert.Empty(run.Errors);
        Assert.Equal(Enumerable.Range(1, 100), run.Output.Select(item => (int)item.BaseObject));
    }

    [Fact]
    public void Never_more_requests_run_at_once_than_the_throttle_allows()
    {
        using RunningScript script = _runspace.Start("1..6 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -ThrottleLimit 3");
        using var other = new TestRunspace();
        other.Run("$null = Invoke-BusRequest held @{ n = 3 } -Bus $bus", ("bus", _bus));
        Assert.Equal(3L, other.RunOne("Invoke-BusRequest release -Bus $bus"));
        other.Run("$null = Invoke-BusRequest held @{ n = 3 } -Bus $bus");
        Assert.Equal(3L, other.RunOne("Invoke-BusRequest release -Bus $bus"));
        Assert.Equal(6, script.Finish().Length);
    }

    [Fact]
    public void Input_and_params_are_joined_and_the_input_wins()
    {
        Assert.Equal(
            ["""{"a":1,"n":5,"b":2}""", """{"a":1,"n":0}"""],
            _runspace.Run("[ordered]@{ n = 5; b = 2 }, $null | Invoke-BusRequest echo ([ordered]@{ a = 1; n = 0 }) -Raw -Ordered").Select(item => item.BaseObject));
    }

    [Fact]
    public void An_input_that_cannot_be_sent_is_one_error_and_the_rest_go_on()
    {
        ScriptRun run = _runspace.RunWithErrors("@{ n = 1 }, 'text', [IO.FileInfo]'/x', (, @(1)), @{ n = 4 } | Invoke-BusRequest echo @{ common = 1 } -Ordered");
        Assert.Equal([1L, 4L], run.Output.Select(item => item.Properties["n"].Value));
        Assert.Null(run.Terminating);
        Assert.Equal(3, run.NonTerminating.Count);
        Assert.All(run.NonTerminating, error => Assert.StartsWith("BusInvalidParams,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Equal("text", Unwrapped(run.NonTerminating[0]));
        Assert.IsType<FileInfo>(Unwrapped(run.NonTerminating[1]));
        Assert.Contains("both must be objects", run.NonTerminating[2].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_that_dies_fails_the_requests_it_had_and_the_rest_go_on()
    {
        ScriptRun run = _runspace.RunWithErrors("""
            1..20 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -ThrottleLimit 2
            Invoke-BusRequest exit @{ code = 1 }
            1..20 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -ThrottleLimit 2
            """);
        run.OnlyError("BusWorkerExited");
        Assert.Equal(40, run.Output.Count);
    }

    [Fact]
    [Trait("Covers", "A38")]
    public void Error_action_and_error_variable_work_as_everywhere()
    {
        Assert.Equal("1", _runspace.RunOne("@{ n = 1; bad = 1 }, @{ n = 2; bad = 1 } | Invoke-BusRequest fail-on -ErrorAction SilentlyContinue -ErrorVariable e -OutVariable o | ForEach-Object { }; \"$($o.Count)\""));
        Assert.Equal("BusRpcError,StdioBus.Module.Commands.InvokeBusRequestCommand", _runspace.RunOne("$e[0].FullyQualifiedErrorId"));
        ScriptRun stopped = _runspace.RunWithErrors("@{ n = 1; bad = 1 }, @{ n = 2; bad = 1 } | Invoke-BusRequest fail-on -ErrorAction Stop; 'not reached'");
        Assert.DoesNotContain("not reached", stopped.Output.Select(item => item.BaseObject));
        Assert.NotNull(stopped.Terminating);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }
}
