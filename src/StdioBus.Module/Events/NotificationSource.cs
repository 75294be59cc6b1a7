using System.Management.Automation;

namespace StdioBus.Module.Events;

/// <summary>
/// Raises the notifications of one subscription as a .NET event, the next only when the action for the one before has
/// ended; the rest waits in the subscription, which is bounded. Taking the handler off the event, as Unregister-Event does,
/// closes the subscription.
/// </summary>
public sealed class NotificationSource
{
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _turn = new(1);
    private EventHandler<NotificationEventArgs>? _handler;

    internal NotificationSource(BusSubscription subscription) => Subscription = subscription;

    /// <summary>Raised on the thread pool for each notification.</summary>
    public event EventHandler<NotificationEventArgs> NotificationReceived
    {
        add => _handler += value;
        remove
        {
            _handler -= value;
            if (_handler is not null)
                return;

            Subscription.Close();
            _ending.Cancel();
        }
    }

    /// <summary>The subscription.</summary>
    public BusSubscription Subscription { get; }

    /// <summary>The command by which the wrapper around an action reports its end; no name leads to it.</summary>
    public CommandInfo ActionEnd { get; } = new CmdletInfo("Complete-BusAction", typeof(CompleteBusActionCommand));

    /// <summary>The action for what was raised last has ended.</summary>
    internal void GiveTurn() => _turn.Release();

    /// <summary>Raises what comes. Returns when the subscription has ended and the action for its last notification too, or when nobody listens any more.</summary>
    internal async Task RaiseAsync()
    {
        try
        {
            while (true)
            {
                await _turn.WaitAsync(_ending.Token).ConfigureAwait(false);
                if (await Subscription.ReadAsync(_ending.Token).ConfigureAwait(false) is not { } notification)
                    return;

                _handler?.Invoke(this, new NotificationEventArgs(notification));
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
    }
}
