using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class BusSelectionTests : IDisposable
{
    private readonly TestRunspace _runspace = new();
    private readonly TestRunspace _other = new();

    public void Dispose()
    {
        _other.Dispose();
        _runspace.Dispose();
    }

    private static string Pool(TestRunspace runspace) => (string)runspace.RunOne("(Get-BusWorker)[0].Pool")!;

    [Fact]
    public void Without_any_bus_the_error_says_how_to_make_one()
    {
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusNoneOpen");
        Assert.Contains("New-StdioBus", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Remove-StdioBus; Get-StdioBus", 0)]
    [InlineData("Get-BusWorker", 1)]
    [InlineData("Get-BusHandler; $ok", 1)]
    [InlineData("Send-BusNotification x; $ok", 1)]
    [InlineData("Register-BusSubscription", 1)]
    [InlineData("Get-BusLog -Last 1", 1)]
    [InlineData("Select-StdioBus -PassThru", 1)]
    public void Of_several_buses_from_the_pipeline_one_that_is_not_there_is_an_error_and_the_rest_go_on(string command, int count)
    {
        ScriptRun run = _runspace.RunWithErrors($"$ok = Start-Kit; 'nope', $ok | {command}");
        Assert.Equal("nope", run.OnlyError("BusNotFound").TargetObject);
        Assert.Null(run.Terminating);
        Assert.Equal(count, run.Output.Count);
    }

    [Fact]
    public void The_last_made_or_selected_is_the_current_one_of_its_runspace_alone()
    {
        _runspace.Run("$a = Start-Kit a; $b = Start-Kit b");
        Assert.Equal("b", Pool(_runspace));
        Assert.Equal("a", _runspace.RunOne("(Select-StdioBus $a -PassThru).Pools[0].Id"));
        Assert.Equal("a", Pool(_runspace));
        _other.Run("$c = Start-Kit c");
        Assert.Equal("c", Pool(_other));
        Assert.Equal("a", Pool(_runspace));
        _runspace.Run("Remove-StdioBus");
        Assert.Equal("b", Pool(_runspace));
    }

    [Fact]
    public void The_only_open_bus_is_used_from_any_runspace_and_among_several_one_must_be_chosen()
    {
        _runspace.Run("$a = Start-Kit a");
        Assert.Equal("a", Pool(_other));
        _runspace.Run("$b = Start-Kit b -With @{ Name = 'second' }");
        ErrorRecord error = _other.RunWithErrors("Get-BusWorker").OnlyError("BusAmbiguous");
        Assert.Contains("second", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Select-StdioBus", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        _other.Run("Select-StdioBus second");
        Assert.Equal("b", Pool(_other));
    }

    [Fact]
    public void A_bus_is_given_as_object_as_blocking_bus_or_by_name()
    {
        _runspace.Run("$a = Start-Kit a -With @{ Name = 'one' }; $b = Start-Kit b");
        Assert.Equal(["a", "a", "a", "a"], _runspace.Run("""
            (Get-BusWorker -Bus $a).Pool; (Get-BusWorker -Bus one).Pool; ($a | Get-BusWorker).Pool
            (Get-BusWorker -Bus ([StdioBus.BlockingBus]::new($a))).Pool
            """).Select(item => item.BaseObject));
        Assert.Equal(
            "There is no bus named 'nope'. Open: ",
            _runspace.RunWithErrors("Get-BusWorker -Bus nope").OnlyError("BusNotFound").ToString()[..36]);
        Assert.Equal("A System.Int32 is no bus.", _runspace.RunWithErrors("Get-BusWorker -Bus 5").OnlyError("BusInvalidArgument").ToString());
    }

    [Fact]
    public void The_copy_of_a_bus_in_another_process_is_told_from_a_bus()
    {
        ErrorRecord error = _runspace.RunWithErrors("""
            $bus = Start-Kit
            $copy = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($bus))
            Get-BusWorker -Bus $copy
            """).OnlyError("BusInvalidArgument");
        Assert.Contains("another process", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Start-ThreadJob", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_lists_the_open_ones_by_name_with_wildcards()
    {
        _runspace.Run("$a = Start-Kit a -With @{ Name = 'left' }; $b = Start-Kit b -With @{ Name = 'right' }");
        Assert.Equal(2, _other.Run("Get-StdioBus").Count);
        Assert.Equal("left", _other.RunOne("(Get-StdioBus L*).Name"));
        Assert.Empty(_other.Run("Get-StdioBus nope*"));
        _other.RunWithErrors("Get-StdioBus nope").OnlyError("BusNotFound");
        _runspace.Run("Get-StdioBus | Remove-StdioBus -Force");
        Assert.Empty(BusRegistry.Open);
        _runspace.Run("Remove-StdioBus $a");
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void Two_runspaces_use_one_bus_at_once()
    {
        _runspace.Run("$a = Start-Kit a 2");
        using RunningScript here = _runspace.Start("(1..2000 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo).Count");
        using RunningScript there = _other.Start("(1..2000 | ForEach-Object { @{ n = -$_ } } | Invoke-BusRequest echo | ForEach-Object { if ($_.n -lt 0) { 1 } }).Count");
        Assert.Equal(2000, Assert.Single(here.Finish()).BaseObject);
        Assert.Equal(2000, Assert.Single(there.Finish()).BaseObject);
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void Requests_streams_and_subscriptions_of_several_runspaces_on_one_bus_do_not_mix()
    {
        object bus = _runspace.RunOne("$a = Start-Kit a 2; $a")!;
        TestRunspace[] all = [_runspace, _other, new(), new()];
        RunningScript[] running = [.. all.Select((runspace, i) =>
        {
            runspace.Run("", ("bus", bus), ("me", i));
            return runspace.Start("""
                $sub = Register-BusSubscription tick -SessionId "of$me" -Bus $bus
                foreach ($i in 1..20) {
                    $r = Invoke-BusRequest echo @{ me = $me; i = $i } -Bus $bus
                    if ($r.me -ne $me -or $r.i -ne $i) { throw 'another request''s answer' }
                    $text = (Invoke-BusStream stream @{ chunks = "$me-", "$i"; sessionId = "of$me" } -TextOnly -Bus $bus) -join ''
                    if ($text -ne "$me-$i") { throw "another stream's text: $text" }
                    $null = Invoke-BusRequest notify @{ method = 'tick'; params = @{ sessionId = "of$me" } } -Bus $bus
                }
                $seen = @(Receive-BusNotification $sub -Wait -First 20)
                if (@($seen | Where-Object SessionId -ne "of$me").Count -gt 0) { throw 'another session''s notification' }
                $seen.Count
                """);
        })];
        foreach (RunningScript script in running)
        {
            Assert.Equal(20, Assert.Single(script.Finish()).BaseObject);
            script.Dispose();
        }

        all[2].Dispose();
        all[3].Dispose();
        Assert.Equal(BusState.Running, ((Bus)bus).State);
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void Parallel_script_blocks_share_one_bus()
    {
        _runspace.Run("$a = Start-Kit a 2");
        Assert.Equal(210L, _runspace.RunOne($$"""
            $sum = 0L
            1..20 | ForEach-Object -ThrottleLimit 4 -Parallel {
                Import-Module '{{ProductFolder.Manifest}}'
                (Invoke-BusRequest echo @{ n = $_ } -Bus $using:a).n
            } | ForEach-Object { $sum += $_ }
            $sum
            """));
        Assert.Equal(BusState.Running, _runspace.RunOne("$a.State"));
    }
}
