using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A20")]
[Trait("Covers", "L26")]
public sealed class ActionTests : IDisposable
{
    private readonly TestRunspace _runspace = new();
    private readonly SemaphoreSlim _ran = new(0);

    public ActionTests() => _runspace.Run("$bus = Start-Kit; $seen = [Collections.Generic.List[object]]::new()", ("ran", _ran));

    public void Dispose()
    {
        _runspace.Dispose();
        _ran.Dispose();
    }

    private const string Three = "$null = Invoke-BusRequest notify @{ method = 'tick'; params = @{ n = '$i' }; count = 3 }";
    private const string Note = "$Event.MessageData.seen.Add($EventArgs.Notification.Params.n); $null = $Event.MessageData.ran.Release()";
    private const string Data = "-MessageData @{ seen = $seen; ran = $ran }";

    private void AwaitRuns(int count, string? error = null)
    {
        for (int i = 0; i < count; i++)
            _runspace.AwaitAction(_ran, error);
    }

    // The subscribers are read on the test's thread, for the runspace is busy with an action only now and then.
    private IEnumerable<PSEventSubscriber> Subscribers => _runspace.Runspace.Events.Subscribers;

    [Fact]
    public void An_action_runs_for_each_notification_in_order_while_the_runspace_is_idle()
    {
        var sub = Assert.IsType<BusSubscription>(_runspace.RunOne($"Register-BusSubscription tick -SourceIdentifier ticks {Data} -Action {{ {Note} }}"));
        _runspace.Run(Three);
        AwaitRuns(3);
        Assert.Equal([0L, 1L, 2L], _runspace.Run("$seen").Select(item => item.BaseObject));
        PSEventSubscriber subscriber = Assert.Single(Subscribers);
        Assert.Equal(("ticks", "NotificationReceived"), (subscriber.SourceIdentifier, subscriber.EventName));
        Assert.Equal(SubscriptionEndReason.None, sub.EndReason);
    }

    [Fact]
    public void While_the_runspace_is_busy_the_rest_waits_in_the_bounded_queue()
    {
        using var hold = new SemaphoreSlim(0);
        var sub = Assert.IsType<BusSubscription>(_runspace.RunOne($"Register-BusSubscription tick -MaxQueue 5 {Data} -Action {{ {Note} }}", ("hold", hold)));
        using var other = new TestRunspace();
        using RunningScript busy = _runspace.Start("'busy'; $hold.Wait(); 'free'");
        Assert.Equal("busy", busy.Next().BaseObject);
        other.Run("$null = Invoke-BusRequest notify @{ method = 'tick'; params = @{ n = '$i' }; count = 100 }");
        Assert.InRange(sub.Count, 0, 5);
        Assert.InRange(sub.Dropped, 90, 99);
        hold.Release();
        Assert.Equal("free", Assert.Single(busy.Finish()).BaseObject);
        AwaitRuns(100 - (int)sub.Dropped);
    }

    [Fact]
    public void An_error_in_an_action_does_not_stop_the_later_ones()
    {
        // An error goes to what the runspace runs at that moment, if it runs anything.
        ScriptRun run = _runspace.RunWithErrors($"$null = Register-BusSubscription tick {Data} -Action {{ {Note}; throw 'oops' }}; {Three}");
        AwaitRuns(3, "oops");
        ScriptRun after = _runspace.RunWithErrors("$seen");
        Assert.Equal([0L, 1L, 2L], after.Output.Select(item => item.BaseObject));
        Assert.All([.. run.Errors, .. after.Errors], error => Assert.Equal("oops", error.ToString()));
    }

    [Fact]
    public void Taking_it_off_the_events_closes_the_subscription_and_the_end_of_the_subscription_takes_it_off()
    {
        var sub = Assert.IsType<BusSubscription>(_runspace.RunOne($"Register-BusSubscription tick {Data} -Action {{ {Note} }}"));
        _runspace.Run("$ExecutionContext.Events.Subscribers | ForEach-Object { $ExecutionContext.Events.UnsubscribeEvent($_) }");
        Assert.Equal(SubscriptionEndReason.Closed, sub.EndReason);
        Assert.Empty(Subscribers);

        using var gone = new SemaphoreSlim(0);
        _runspace.Run($"$sub = Register-BusSubscription tick {Data} -Action {{ {Note} }}");
        PSEventSubscriber subscriber = Assert.Single(Subscribers);
        subscriber.Unsubscribed += (_, _) => gone.Release();
        _runspace.Run("Unregister-BusSubscription $sub");
        Assert.True(gone.Wait(TestRunspace.Deadline, TestContext.Current.CancellationToken), "it is still subscribed");
    }

    [Fact]
    public void After_so_many_times_it_ends()
    {
        var sub = Assert.IsType<BusSubscription>(_runspace.RunOne($"$sub = Register-BusSubscription tick -MaxTriggerCount 2 {Data} -Action {{ {Note} }}; $sub; {Three}"));
        AwaitRuns(2);
        _runspace.Run("$null = Receive-BusNotification $sub -Wait");
        Assert.Equal(SubscriptionEndReason.Closed, sub.EndReason);
        Assert.Equal(0, _ran.CurrentCount);
    }

    [Fact]
    public void It_goes_with_the_module()
    {
        var sub = Assert.IsType<BusSubscription>(_runspace.RunOne($"Register-BusSubscription tick {Data} -Action {{ {Note} }}"));
        _runspace.Run("Remove-Module StdioBus");
        Assert.Empty(Subscribers);
        Assert.True(sub.IsClosed);
    }

    [Fact]
    public void It_runs_in_constrained_language_mode()
    {
        _runspace.Runspace.SessionStateProxy.LanguageMode = PSLanguageMode.ConstrainedLanguage;
        _runspace.RunToError("[IO.File]::Exists('/')");
        _runspace.Run("$null = Register-BusSubscription tick -Action { if ($EventArgs.Notification.Params.n -eq 1) { Send-BusNotification release } }");
        using var other = new TestRunspace();
        using RunningScript held = other.Start("Invoke-BusRequest hold @{ n = 7 } | ForEach-Object n");
        _runspace.Run("$null = Invoke-BusRequest held @{ n = 1 }; " + Three);
        Assert.Equal(7L, Assert.Single(held.Finish()).BaseObject);
    }

    [Fact]
    public void What_cannot_be_is_said_at_once()
    {
        Assert.Contains("-Overflow", _runspace.RunWithErrors("Register-BusSubscription -Overflow Block -Action { }").OnlyError("BusInvalidArgument").ToString(), StringComparison.Ordinal);
        _runspace.Run("$null = Register-BusSubscription -SourceIdentifier same -Action { }");
        Assert.Contains("'same'", _runspace.RunWithErrors("Register-BusSubscription -SourceIdentifier same -Action { }").OnlyError("BusInvalidArgument").ToString(), StringComparison.Ordinal);
        Assert.Single(_runspace.Run("$bus.Subscriptions"));
    }
}
