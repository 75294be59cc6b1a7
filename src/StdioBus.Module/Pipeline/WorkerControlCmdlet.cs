using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The base of the commands that end workers. All workers that come in are dealt with side by side; one that fails is an
/// error record of its own.
/// </summary>
public abstract class WorkerControlCmdlet : BusCmdlet
{
    private const string IdSet = "Id";
    private const string WorkerSet = "Worker";

    private readonly List<(Bus Bus, int Id, object Target, Task Work)> _under = [];
    private LogLines? _log;

    private protected WorkerControlCmdlet()
    {
    }

    /// <summary>The ids of the workers.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = IdSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(WorkerIdCompleter))]
    public int[] Id { get; set; } = [];

    /// <summary>The bus of the ids: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ParameterSetName = IdSet)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The workers, as Get-BusWorker gives them.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = WorkerSet)]
    [Alias("InputObject")]
    [ValidateNotNullOrEmpty]
    public BusWorker[] Worker { get; set; } = [];

    /// <summary>Ends the process, and all it started, at once. Without, it may end by itself within about three seconds.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes each worker as it is afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>What is done to a worker, for -WhatIf and -Confirm.</summary>
    private protected abstract string Action { get; }

    /// <summary>Does it; ends when it is done.</summary>
    private protected abstract Task RunAsync(Bus bus, int workerId);

    private protected override void Process()
    {
        if (ParameterSetName == IdSet)
        {
            Bus bus = BusResolution.ResolveRunning(Bus);
            foreach (int id in Id)
            {
                if (PoolOf(bus, id) is string pool)
                    Begin(bus, id, pool, id);
                else
                    WriteError(BusErrors.WorkerNotFound(bus, id));
            }

            return;
        }

        foreach (BusWorker worker in Worker)
        {
            if (BusRegistry.Find(worker.BusName) is not Bus bus)
                WriteError(BusErrors.BusNotFound(worker.BusName, [.. BusRegistry.Open.Select(open => open.Name)]));
            else if (bus.State is not (BusState.Starting or BusState.Running))
                WriteError(BusErrors.NotRunning(bus, removed: false));
            else
                Begin(bus, worker.Id, worker.Pool, worker);
        }
    }

    private protected override void End()
    {
        foreach ((Bus bus, int id, object target, Task work) in _under)
        {
            try
            {
                WaitFor(work, _log);
            }
            catch (StdioBusException error)
            {
                WriteError(BusErrors.From(error, target));
                continue;
            }

            if (PassThru)
                WriteWorker(bus, id);
        }
    }

    private void Begin(Bus bus, int id, string pool, object target)
    {
        if (!ShouldProcess($"worker {id} of pool '{pool}' of the bus '{bus.Name}'", Action))
            return;

        _log ??= WatchLog(bus);
        _under.Add((bus, id, target, RunAsync(bus, id)));
    }

    private void WriteWorker(Bus bus, int id)
    {
        Task<IReadOnlyList<BusWorker>> asked = bus.GetWorkersAsync(Cancellation);
        WaitFor(asked);
        WriteObject(asked.Result.Where(worker => worker.Id == id), enumerateCollection: true);
    }

    /// <summary>The pool of a worker; null when there is no such worker. Workers are numbered over the pools, in their order.</summary>
    internal static string? PoolOf(Bus bus, int id) => id < 0
        ? null
        : bus.Pools.SelectMany(pool => Enumerable.Repeat(pool.Id, pool.Instances)).ElementAtOrDefault(id);
}
