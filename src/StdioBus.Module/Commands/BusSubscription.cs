using System.Management.Automation;
using StdioBus.Module.Events;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Registers a bounded queue that collects the workers' notifications which match all filters given, from now on, or with
/// -Raw all that they send. Take them from it with Receive-BusNotification, or have -Action run for each.
/// </summary>
[Cmdlet(VerbsLifecycle.Register, "BusSubscription", DefaultParameterSetName = QueueSet)]
[OutputType(typeof(BusSubscription), typeof(BusRawSubscription))]
public sealed class RegisterBusSubscriptionCommand : BusCmdlet
{
    private const string QueueSet = "Queue";
    private const string ActionSet = "Action";
    private const string RawSet = "Raw";

    /// <summary>The methods to collect; wildcards are allowed, and case matters. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NotificationMethodCompleter))]
    public string? Method { get; set; }

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>Collects from this pool only.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string? Pool { get; set; }

    /// <summary>Collects what belongs to this session only.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionIdCompleter))]
    public string? SessionId { get; set; }

    /// <summary>How many notifications the queue holds.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int MaxQueue { get; set; } = 256;

    /// <summary>
    /// What happens to the next one when it is full: DropNewest drops that one, DropOldest the oldest, Close ends the
    /// subscription, Block stops reading from the worker until there is room.
    /// </summary>
    [Parameter]
    [Alias("OverflowPolicy")]
    [OverflowName]
    [ArgumentCompleter(typeof(OverflowCompleter))]
    public object Overflow { get; set; } = OverflowPolicy.DropNewest;

    /// <summary>Makes ordered, case-sensitive dictionaries of JSON objects instead of custom objects.</summary>
    [Parameter]
    public SwitchParameter AsHashtable { get; set; }

    /// <summary>
    /// Collects every line from workers as it came: requests, answers and notifications, whoever else they are for, and the
    /// errors that the kernel makes. -Method then chooses requests and notifications.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = RawSet)]
    public SwitchParameter Raw { get; set; }

    /// <summary>
    /// Runs for each notification, one at a time, whenever the runspace is idle or waits. It finds the notification in
    /// $Event.SourceEventArgs.Notification, and as the second argument's Notification. Unregister-Event ends it and closes the subscription.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = ActionSet)]
    [ValidateNotNull]
    public ScriptBlock? Action { get; set; }

    /// <summary>The name under which Get-EventSubscriber and Unregister-Event find it. Default: a new GUID.</summary>
    [Parameter(ParameterSetName = ActionSet)]
    [ValidateNotNullOrEmpty]
    public string? SourceIdentifier { get; set; }

    /// <summary>What the action finds in $Event.MessageData.</summary>
    [Parameter(ParameterSetName = ActionSet)]
    public object? MessageData { get; set; }

    /// <summary>How often the action runs; then the subscription closes. Default: 0, without end.</summary>
    [Parameter(ParameterSetName = ActionSet)]
    [ValidateRange(0, int.MaxValue)]
    public int MaxTriggerCount { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        BusResolution.CheckPool(bus, Pool);
        if (Action is not null && Overflow is OverflowPolicy.Block)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                "-Overflow: Block does not go with -Action: while the runspace is busy no action runs, and a worker that is not read could be what it waits for.",
                Overflow, "Use DropNewest, DropOldest or Close, with a -MaxQueue that is large enough."));
        }

        if (SourceIdentifier is not null && Events.GetEventSubscribers(SourceIdentifier).Any())
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                $"-SourceIdentifier: '{SourceIdentifier}' is taken in this runspace.", SourceIdentifier, "Choose another name, or end the other with Unregister-Event."));
        }

        if (Raw)
        {
            WriteObject(SubscribeRaw(bus));
            return;
        }

        BusSubscription subscription = Subscribe(bus);
        if (Action is not null)
            SubscriptionAction.Start(this, subscription, Action, SourceIdentifier, MessageData, MaxTriggerCount);

        WriteObject(subscription);
    }

    private BusRawSubscription SubscribeRaw(Bus bus)
    {
        if (SessionId is not null || AsHashtable)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                $"-{(SessionId is not null ? nameof(SessionId) : nameof(AsHashtable))}: does not go with -Raw, which takes lines as they are.",
                SessionId, "Leave it out, or leave out -Raw for the notifications of a session, as objects."));
        }

        return bus.SubscribeRaw(new SubscriptionOptions { Method = Method, Pool = Pool, MaxQueue = MaxQueue, Overflow = (OverflowPolicy)Overflow });
    }

    private BusSubscription Subscribe(Bus bus) =>
        bus.Subscribe(new SubscriptionOptions
        {
            Method = Method,
            Pool = Pool,
            SessionId = SessionId,
            MaxQueue = MaxQueue,
            Overflow = (OverflowPolicy)Overflow,
            Reader = (AsHashtable ? PowerShellJsonReader.Hashtables : PowerShellJsonReader.Objects).Read,
        });
}

/// <summary>Closes subscriptions: nothing more is collected, and what they hold can still be received.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "BusSubscription")]
[OutputType(typeof(void))]
public sealed class UnregisterBusSubscriptionCommand : BusCmdlet
{
    /// <summary>The subscriptions to close.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public Subscription[] Subscription { get; set; } = [];

    private protected override void Process()
    {
        foreach (Subscription subscription in Subscription)
            subscription.Close();
    }
}
