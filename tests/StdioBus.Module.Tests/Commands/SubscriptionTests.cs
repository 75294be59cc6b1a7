using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A20")]
public sealed class SubscriptionTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public SubscriptionTests() => _runspace.Run("$bus = Start-Kit");

    public void Dispose() => _runspace.Dispose();

    private const string FiveTicks = "$null = Invoke-BusRequest notify @{ method = 'session/tick'; params = @{ n = '$i'; sessionId = 's1' }; count = 5 }";

    [Fact]
    public void Notifications_that_match_are_received_in_order_as_objects()
    {
        _runspace.Run($"$early = Register-BusSubscription 'session/*'; $none = Register-BusSubscription 'other/*'; $far = Register-BusSubscription -SessionId s2; {FiveTicks}; $late = Register-BusSubscription");
        Assert.Equal([0L, 1L, 2L, 3L, 4L], _runspace.Run("Receive-BusNotification $early | ForEach-Object { $_.Params.n }").Select(item => item.BaseObject));
        Assert.Empty(_runspace.Run("$none, $far, $late | Receive-BusNotification"));
        _runspace.Run(FiveTicks);
        var one = Assert.IsType<BusNotification>(_runspace.RunOne("Receive-BusNotification $early -First 1"));
        Assert.Equal(("session/tick", "s1", "kit"), (one.Method, one.SessionId, one.Pool));
        Assert.Equal(4, _runspace.RunOne("$early.Count"));
    }

    [Fact]
    public void Waiting_takes_what_comes_until_enough_from_all_subscriptions_given()
    {
        _runspace.Run("$a = Register-BusSubscription a; $b = Register-BusSubscription b");
        using RunningScript script = _runspace.Start("$a, $b | Receive-BusNotification -Wait -First 3 | ForEach-Object Method");
        using var other = new TestRunspace();
        other.Run("'a', 'b', 'a' | ForEach-Object { $null = Invoke-BusRequest notify @{ method = $_ } }");
        Assert.Equal(["a", "a", "b"], script.Finish().Select(item => (string)item.BaseObject).Order());
    }

    [Fact]
    public void A_raw_one_collects_every_line_of_a_worker_as_it_came()
    {
        _runspace.Run("$raw = $bus | Register-BusSubscription -Raw; Send-BusMessage '{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"echo\",\"params\":{\"a\":1.50}}'");
        var answer = Assert.IsType<BusMessage>(_runspace.RunOne("Receive-BusNotification $raw -Wait -First 1"));
        Assert.Equal((MessageKind.Response, 0, "kit", "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":{\"a\":1.50}}"), (answer.Kind, answer.WorkerId, answer.Pool, answer.Json));

        _runspace.Run("$null = Invoke-BusRequest notify @{ method = 'tick' }");
        Assert.Equal([MessageKind.Notification, MessageKind.Response], _runspace.Run("$raw | Receive-BusNotification | ForEach-Object Kind").Select(item => item.BaseObject));
        Assert.Equal(_runspace.RunOne("$raw.Id"), _runspace.RunOne("(Get-BusSubscription).Id"));
        _runspace.Run("Get-BusSubscription | Unregister-BusSubscription");
        Assert.Equal(true, _runspace.RunOne("$raw.IsClosed"));
        Assert.Contains("does not go with -Raw", _runspace.RunToError("Register-BusSubscription -Raw -SessionId s").ToString(), StringComparison.Ordinal);
        Assert.Contains("-AsHashtable: does not go with -Raw", _runspace.RunToError("Register-BusSubscription -Raw -AsHashtable").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_shows_the_log_with_verbose_and_warns_of_what_is_no_message()
    {
        _runspace.Run("$talk = New-StdioBus talk $worker; $sub = Register-BusSubscription a -Bus $bus; $of = Register-BusSubscription b -Bus $talk");
        var bus = (Bus)_runspace.RunOne("$bus")!;
        var talk = (Bus)_runspace.RunOne("$talk")!;
        using RunningScript script = _runspace.Start("$sub, $of | Receive-BusNotification -Wait -First 2 -Verbose | ForEach-Object Method");
        await bus.RequestAsync("notify", new { method = "a" }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("a", script.Next().BaseObject);

        // By the core, which shows nothing.
        await talk.RequestAsync("emit", new { lines = new[] { "banner" } }, cancellationToken: TestContext.Current.CancellationToken);
        await bus.RestartWorkerAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        await bus.RequestAsync("notify", new { method = "a" }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("a", Assert.Single(script.Finish()).BaseObject);
        Assert.Contains($"{bus.Name} Information: [worker=0]", string.Join("\n", script.Verbose), StringComparison.Ordinal);
        Assert.Contains("'banner'", Assert.Single(script.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_time_is_over_waiting_ends_without_an_error()
    {
        _runspace.Run($"$sub = Register-BusSubscription; {FiveTicks}");
        Assert.Equal(5, _runspace.RunOne("@(Receive-BusNotification $sub -Wait -First 9 -Timeout 0.1).Count"));
        _runspace.Run(FiveTicks);
        Assert.Equal(5, _runspace.RunOne("@(Receive-BusNotification $sub -Timeout 0.1).Count"));
    }

    [Fact]
    public void A_full_queue_does_what_its_policy_says()
    {
        _runspace.Run($"$n = Register-BusSubscription -MaxQueue 2 -Overflow Drop; $o = Register-BusSubscription -MaxQueue 2 -OverflowPolicy DropOldest; $c = Register-BusSubscription -MaxQueue 2 -Overflow Close; {FiveTicks}");
        Assert.Equal("0 1", _runspace.RunOne("(Receive-BusNotification $n | ForEach-Object { $_.Params.n }) -join ' '"));
        Assert.Equal("3 4", _runspace.RunOne("(Receive-BusNotification $o | ForEach-Object { $_.Params.n }) -join ' '"));
        Assert.Equal((3L, 3L), (_runspace.RunOne("$n.Dropped"), _runspace.RunOne("$o.Dropped")));
        ScriptRun run = _runspace.RunWithErrors("Receive-BusNotification $c -Wait");
        Assert.Equal(2, run.Output.Count);
        Assert.Contains("-MaxQueue 2", run.OnlyError("BusSubscriptionOverflow").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_has_any_of_its_names_and_no_other()
    {
        string[] given = ["Drop", "dropnewest", "DropOldest", "close", "([StdioBus.OverflowPolicy]::Block)", "1"];
        Assert.Equal(
            [OverflowPolicy.DropNewest, OverflowPolicy.DropNewest, OverflowPolicy.DropOldest, OverflowPolicy.Close, OverflowPolicy.Block, OverflowPolicy.DropOldest],
            given.Select(name => _runspace.RunOne($"(Register-BusSubscription -Overflow {name}).Overflow")));
        foreach (string wrong in new[] { "Keep", "7", "$null", "''" })
            Assert.Contains("expected DropNewest, DropOldest, Close or Block", _runspace.RunToError($"Register-BusSubscription -Overflow {wrong}").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_blocking_subscription_loses_nothing()
    {
        _runspace.Run("$sub = Register-BusSubscription tick -MaxQueue 4 -Overflow Block");
        object? sub = _runspace.RunOne("$sub");
        using RunningScript sender = _runspace.Start("Invoke-BusRequest notify @{ method = 'tick'; count = 500 } -Timeout Infinite");
        using var other = new TestRunspace();
        Assert.Equal(500, other.RunOne("@(Receive-BusNotification $sub -Wait -First 500).Count", ("sub", sub)));
        Assert.Equal(500L, Assert.Single(sender.Finish()).BaseObject);
    }

    [Fact]
    public void Unregistered_it_collects_no_more_and_keeps_what_it_has()
    {
        _runspace.Run($"$sub = Register-BusSubscription; {FiveTicks}; $sub | Unregister-BusSubscription; Unregister-BusSubscription $sub; {FiveTicks}");
        Assert.Equal(5, _runspace.RunOne("@(Receive-BusNotification $sub -Wait).Count"));
        Assert.Equal(SubscriptionEndReason.Closed, _runspace.RunOne("$sub.EndReason"));
    }

    [Fact]
    public void The_open_ones_are_listed_by_id()
    {
        Assert.Empty(_runspace.Run("Get-BusSubscription"));
        _runspace.Run("$a = Register-BusSubscription a; $b = $bus | Register-BusSubscription b; $c = Register-BusSubscription c");
        Assert.Equal(["a", "b", "c"], _runspace.Run("Get-BusSubscription | ForEach-Object Method").Select(item => item.BaseObject));
        Assert.Same(_runspace.RunOne("$b"), _runspace.RunOne("$bus | Get-BusSubscription $b.Id"));
        _runspace.Run("Get-BusSubscription $a.Id, $c.Id | Unregister-BusSubscription");
        Assert.Equal("b", _runspace.RunOne("(Get-BusSubscription).Method"));
        ScriptRun run = _runspace.RunWithErrors("Get-BusSubscription -Id $a.Id, $b.Id");
        Assert.Single(run.Output);
        Assert.Equal(_runspace.RunOne("$a.Id"), run.OnlyError("BusSubscriptionNotFound").TargetObject);
        _runspace.Run("Stop-StdioBus");
        Assert.Empty(_runspace.Run("Get-BusSubscription"));
    }

    [Fact]
    public void Removing_the_bus_ends_the_waiting()
    {
        _runspace.Run("$sub = Register-BusSubscription");
        using RunningScript script = _runspace.Start("Receive-BusNotification $sub -Wait; 'over'");
        using var other = new TestRunspace();
        other.Run("Get-StdioBus | Remove-StdioBus");
        Assert.Equal("over", Assert.Single(script.Finish()).BaseObject);
    }

    [Fact]
    public void Params_come_as_dictionaries_when_asked()
    {
        _runspace.Run("$sub = Register-BusSubscription -AsHashtable; $null = Invoke-BusRequest notify '{\"method\":\"x\",\"params\":{\"a\":1,\"A\":2}}'");
        Assert.Equal(2L, _runspace.RunOne("(Receive-BusNotification $sub).Params['A']"));
    }

    [Fact]
    public void A_notification_is_sent_and_not_answered()
    {
        _runspace.Run("Send-BusNotification notifications/initialized; $bus | Send-BusNotification other @{ a = 1 } -Pool kit");
        Assert.Equal(["notifications/initialized", "other"], Assert.IsType<object[]>(_runspace.RunOne("Invoke-BusRequest received")));
        _runspace.RunWithErrors("Send-BusNotification x 'text'").OnlyError("BusInvalidParams");
        _runspace.RunWithErrors("Send-BusNotification x -Pool nope").OnlyError("BusPoolNotFound");
    }
}
