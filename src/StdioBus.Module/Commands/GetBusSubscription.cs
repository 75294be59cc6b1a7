using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>Lists the subscriptions of a bus that have not ended, in the order in which they were registered.</summary>
[Cmdlet(VerbsCommon.Get, "BusSubscription")]
[OutputType(typeof(BusSubscription), typeof(BusRawSubscription))]
public sealed class GetBusSubscriptionCommand : BusCmdlet
{
    /// <summary>The ids of the subscriptions to list. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SubscriptionIdCompleter))]
    public int[]? Id { get; set; }

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        IReadOnlyList<Subscription> open = bus.Subscriptions;
        WriteObject(open.Where(subscription => Id is null || Id.Contains(subscription.Id)), enumerateCollection: true);
        foreach (int id in (Id ?? []).Except(open.Select(subscription => subscription.Id)))
            WriteError(BusErrors.SubscriptionNotFound(bus, id));
    }
}
