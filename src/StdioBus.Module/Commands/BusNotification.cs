using System.Management.Automation;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>Sends a one-way message: a worker gets it and does not answer.</summary>
[Cmdlet(VerbsCommunications.Send, "BusNotification")]
[OutputType(typeof(void))]
public sealed class SendBusNotificationCommand : BusMessageCmdlet
{
    /// <inheritdoc/>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public override object? Bus { get; set; }

    /// <summary>The method.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [MethodName]
    [ArgumentCompleter(typeof(MethodNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string Method { get; set; } = "";

    /// <summary>The params: a hashtable, a custom object, an array, or JSON text of an object or array.</summary>
    [Parameter(Position = 1)]
    public object? Params { get; set; }

    private protected override void Process()
    {
        Bus bus = RunningBus();
        var options = new MessageOptions();
        Address(options);
        WaitFor(bus.NotifyAsync(Method, ParamsOrEnd(), options, Cancellation), WatchLog(bus));
    }

    private protected override object? ErrorTarget => Params ?? Method;

    private object? ParamsOrEnd()
    {
        try
        {
            return RequestParams.From(Params) is byte[] json ? new RawJson(json) : null;
        }
        catch (JsonConversionException error)
        {
            ThrowTerminatingError(BusErrors.InvalidParams(error, "-Params", Params));
            return null;
        }
    }
}

/// <summary>
/// Takes notifications from subscriptions, or what workers send from raw ones. By itself it takes what is there and
/// returns; with -Wait or -Timeout it goes on until -First are taken, -Timeout has passed or the subscriptions have ended.
/// </summary>
[Cmdlet(VerbsCommunications.Receive, "BusNotification")]
[OutputType(typeof(BusNotification), typeof(BusMessage))]
public sealed class ReceiveBusNotificationCommand : BusCmdlet
{
    private readonly List<Subscription> _subscriptions = [];
    private (Bus? Bus, LogLines? Log)[] _watched = [];
    private long _left;

    /// <summary>The subscriptions to take from; several take turns.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public Subscription[] Subscription { get; set; } = [];

    /// <summary>Waits for notifications that are still to come.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>Takes at most so many, over all subscriptions.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int First { get; set; }

    /// <summary>Waits, but no longer than this in all: a TimeSpan or seconds. When it has passed the command ends without an error.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    private protected override void Begin() => _left = First > 0 ? First : long.MaxValue;

    private protected override void Process() => _subscriptions.AddRange(Subscription);

    private protected override void End()
    {
        Subscription[] open = _subscriptions.Distinct().ToArray();
        if (!Wait && Timeout is null)
        {
            TakeWhatIsThere(open);
            return;
        }

        _watched = [.. open.Select(one => one.Bus).Distinct().Select(bus => ((Bus?)bus, WatchLog(bus)))];
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        if (Timeout is TimeSpan timeout && timeout != System.Threading.Timeout.InfiniteTimeSpan)
            deadline.CancelAfter(timeout);

        Task<bool>[] ready = open.Select(one => ReadyAsync(one, deadline.Token)).ToArray();
        try
        {
            while (_left > 0 && open.Length > 0)
            {
                int index = WaitForAny(ready, deadline.Token);
                if (index < 0)
                    return;

                if (ready[index].GetAwaiter().GetResult())
                {
                    TakeWhatIsThere([open[index]]);
                    if (_left > 0)
                        ready[index] = ReadyAsync(open[index], deadline.Token);
                }
                else
                {
                    ReportEnd(open[index]);
                    open = Without(open, index);
                    ready = Without(ready, index);
                }
            }
        }
        finally
        {
            // Waits that are not needed any more; they only looked and took nothing.
            deadline.Cancel();
        }
    }

    private static async Task<bool> ReadyAsync(Subscription subscription, CancellationToken token) =>
        await subscription.WaitToReadAsync(token).ConfigureAwait(false);

    private static T[] Without<T>(T[] items, int index) => [.. items[..index], .. items[(index + 1)..]];

    // -1 when the time is over. A stopped command throws instead.
    private int WaitForAny(Task<bool>[] ready, CancellationToken deadline)
    {
        try
        {
            Task<Task<bool>> any = Task.WhenAny(ready);
            WaitFor(any.WaitAsync(deadline), _watched);
            if (!any.Result.IsCanceled)
                return Array.IndexOf(ready, any.Result);
        }
        catch (OperationCanceledException)
        {
            // Which of the two it was is told below.
        }

        Cancellation.ThrowIfCancellationRequested();
        return -1;
    }

    private void TakeWhatIsThere(Subscription[] subscriptions)
    {
        foreach (Subscription subscription in subscriptions)
        {
            while (_left > 0 && Take(subscription) is { } taken)
            {
                _left--;
                WriteObject(taken);
            }
        }
    }

    private static object? Take(Subscription subscription) => subscription switch
    {
        BusSubscription ofNotifications => ofNotifications.TryRead(out BusNotification? notification) ? notification : null,
        BusRawSubscription ofAll => ofAll.TryRead(out BusMessage? message) ? message : null,
        _ => throw new InvalidOperationException($"{subscription.GetType()} is not known."),
    };

    private void ReportEnd(Subscription subscription)
    {
        if (subscription.EndReason is SubscriptionEndReason.Overflow or SubscriptionEndReason.WorkerLost)
            WriteError(BusErrors.SubscriptionEnded(subscription));
        else
            WriteVerbose($"Subscription {subscription.Id} has ended: {subscription.EndReason}.");
    }
}
