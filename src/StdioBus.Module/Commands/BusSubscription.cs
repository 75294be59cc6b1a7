using System.Management.Automation;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Registers a bounded queue that collects the workers' notifications which match all filters given, from now on. Take
/// them from it with Receive-BusNotification.
/// </summary>
[Cmdlet(VerbsLifecycle.Register, "BusSubscription")]
[OutputType(typeof(BusSubscription))]
public sealed class RegisterBusSubscriptionCommand : BusCmdlet
{
    /// <summary>The methods to collect; wildcards are allowed, and case matters. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MethodNameCompleter))]
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
    public OverflowPolicy Overflow { get; set; }

    /// <summary>Makes ordered, case-sensitive dictionaries of JSON objects instead of custom objects.</summary>
    [Parameter]
    public SwitchParameter AsHashtable { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(this, Bus);
        BusResolution.CheckPool(this, bus, Pool);
        WriteObject(bus.Subscribe(new SubscriptionOptions
        {
            Method = Method,
            Pool = Pool,
            SessionId = SessionId,
            MaxQueue = MaxQueue,
            Overflow = Overflow,
            Reader = (AsHashtable ? PowerShellJsonReader.Hashtables : PowerShellJsonReader.Objects).Read,
        }));
    }
}

/// <summary>Closes subscriptions: nothing more is collected, and what they hold can still be received.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "BusSubscription")]
[OutputType(typeof(void))]
public sealed class UnregisterBusSubscriptionCommand : BusCmdlet
{
    /// <summary>The subscriptions to close.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public BusSubscription[] Subscription { get; set; } = [];

    private protected override void Process()
    {
        foreach (BusSubscription subscription in Subscription)
            subscription.Close();
    }
}
