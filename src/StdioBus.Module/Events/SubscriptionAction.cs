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
    private readonly PSEventSubscriber _subscriber;
    private readonly Runspace _owner;

    private SubscriptionAction(PSEventManager events, PSEventSubscriber subscriber)
    {
        _events = events;
        _subscriber = subscriber;
        _owner = Runspace.DefaultRunspace;
    }

    /// <summary>Subscribes on the pipeline thread.</summary>
    public static void Start(
        BusSubscription subscription, PSEventManager events, ScriptBlock action, string? sourceIdentifier, object? messageData, int maxTriggerCount)
    {
        var source = new NotificationSource(subscription);
        PSEventSubscriber subscriber = events.SubscribeEvent(
            source, nameof(NotificationSource.NotificationReceived), sourceIdentifier ?? Guid.NewGuid().ToString(),
            messageData is null ? null : PSObject.AsPSObject(messageData), ScriptBlock.Create(Before + action + After), supportEvent: false, forwardEvent: false, maxTriggerCount);
        var started = new SubscriptionAction(events, subscriber);
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
    }
}
