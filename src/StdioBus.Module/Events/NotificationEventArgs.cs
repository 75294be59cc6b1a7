namespace StdioBus.Module.Events;

/// <summary>What the action of a subscription gets: $EventArgs, or $Event.SourceEventArgs.</summary>
public sealed class NotificationEventArgs : EventArgs
{
    internal NotificationEventArgs(BusNotification notification) => Notification = notification;

    /// <summary>The notification.</summary>
    public BusNotification Notification { get; }
}
