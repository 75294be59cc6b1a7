using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>Lists the workers of a bus, as they are now.</summary>
[Cmdlet(VerbsCommon.Get, "BusWorker")]
[OutputType(typeof(BusWorker))]
public sealed class GetBusWorkerCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The pools whose workers to list; wildcards are allowed. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string[]? Pool { get; set; }

    /// <summary>The ids of the workers to list. Default: all.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(WorkerIdCompleter))]
    public int[]? Id { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        foreach (string pool in Pool ?? [])
        {
            if (!WildcardPattern.ContainsWildcardCharacters(pool))
                BusResolution.CheckPool(bus, pool);
        }

        Task<IReadOnlyList<BusWorker>> asked = bus.GetWorkersAsync(Cancellation);
        WaitFor(asked);
        IReadOnlyList<BusWorker> workers = asked.Result;
        foreach (BusWorker worker in workers)
        {
            if (IsAskedFor(worker.Pool) && (Id is null || Id.Contains(worker.Id)))
                WriteObject(worker);
        }

        foreach (int id in (Id ?? []).Except(workers.Select(worker => worker.Id)))
            WriteError(BusErrors.WorkerNotFound(bus, id));
    }

    // A name that stands for itself, with whatever characters, or a pattern.
    private bool IsAskedFor(string pool) =>
        Pool is null || Pool.Any(name => name == pool || WildcardPattern.Get(name, WildcardOptions.None).IsMatch(pool));
}
