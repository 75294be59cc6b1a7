using System.Management.Automation;

namespace StdioBus.Module.Events;

/// <summary>
/// Run by the wrapper around an action when that has ended: writes its error, if it ended by one, and lets the next
/// notification be raised. A command and no method, so that it works in Constrained Language Mode. Not exported.
/// </summary>
[Cmdlet(VerbsLifecycle.Complete, "BusAction")]
public sealed class CompleteBusActionCommand : PSCmdlet
{
    /// <summary>Where the notification came from; it may raise the next.</summary>
    [Parameter]
    public NotificationSource? Source { get; set; }

    /// <summary>What ended the action.</summary>
    [Parameter]
    public ErrorRecord? Failure { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            if (Failure is not null)
                WriteError(Failure);
        }
        finally
        {
            Source?.GiveTurn();
        }
    }
}
