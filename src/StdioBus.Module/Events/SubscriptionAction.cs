using System.Management.Automation;
using System.Management.Automation.Runspaces;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Events;

/// <summary>An action of a subscription: an event of PowerShell's own event manager, which ends with the subscription, the runspace and the module there.</summary>
internal sealed class SubscriptionAction : IRunspaceHolding
{
    // An action that ended by an exception would never be run again by the engine: its error is written instead. The action
    // stands in the text, for only a block that is made for this event sees $Event and the like.
    private const string Before = "try { . {\n";
    private const string After = "\n} @args } catch { & $EventSubscriber.SourceObject.ActionEnd -Failure $_ } finally { & $EventSubscriber.SourceObject.ActionEnd -Source $EventSubscriber.SourceObject }";

    private readonly PSEventManager _events;
    private readonly JobRepository _jobs;
    private readonly PSEventSubscriber _subscriber;
    private readonly Runspace _owner;

    private SubscriptionAction(PSEventManager events, JobRepository jobs, PSEventSubscriber subscriber)
    {
        _events = events;
        _jobs = jobs;
        _subscriber = subscriber;
        _owner = Runspace.DefaultRunspace;
    }

    /// <summary>Subscribes on the pipeline thread, for a command of the runspace.</summary>
    public static void Start(
        PSCmdlet command, BusSubscription subscription, ScriptBlock action, string? sourceIdentifier, object? messageData, int maxTriggerCount)
    {
        var source = new NotificationSource(subscription);
        PSEventSubscriber subscriber = command.Events.SubscribeEvent(
            source, nameof(NotificationSource.NotificationReceived), sourceIdentifier ?? Guid.NewGuid().ToString(),
            messageData is null ? null : PSObject.AsPSObject(messageData), ScriptBlock.Create(Before + action + After), supportEvent: false, forwardEvent: false, maxTriggerCount);
        var started = new SubscriptionAction(command.Events, command.JobRepository, subscriber);
        RunspaceHoldings.Of(started._owner).Add(started, started._owner);
        _ = started.RunAsync(source);
    }

    /// <inheritdoc/>
    public Task EndAsync()
    {
        _events.UnsubscribeEvent(_subscriber);
        return Task.CompletedTask;
    }

    private async Task RunAsync(NotificationSource source)
    {
        await Task.Run(source.RaiseAsync).ConfigureAwait(false);
        RunspaceHoldings.Of(_owner).Remove(this);
        _events.UnsubscribeEvent(_subscriber);
        ForgetJob();
    }

    // The engine lists a job for every action and keeps it when that has ended, and with it the bus. One that has nothing to
    // be received is of use to nobody; the other is the user's, as the jobs of Register-ObjectEvent are.
    private void ForgetJob()
    {
        PSEventJob job = _subscriber.Action;
        if (job.Output.Count == 0 && job.Error.Count == 0 && _jobs.GetItem(job.InstanceId) is not null)
            _jobs.Remove(job);
    }
}
