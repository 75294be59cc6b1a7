using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Writes the lines that the kernel has logged and that workers have written to stderr, oldest first. The last 1,000 are
/// kept, also those of a bus that was stopped.
/// </summary>
[Cmdlet(VerbsCommon.Get, "BusLog")]
[OutputType(typeof(BusLogEntry))]
public sealed class GetBusLogCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name, or a worker of Get-BusWorker. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The ids of workers, whose lines alone are written; workers in the pipeline stand for theirs. Default: all lines, the kernel's included.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("WorkerId", "Id")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(WorkerIdCompleter))]
    public int[]? Worker { get; set; }

    /// <summary>Lines below this level are left out. What workers write has the level Information; Debug lines are there only if NativeOptions.LogLevel has the kernel make them.</summary>
    [Parameter]
    public BusLogLevel Level { get; set; }

    /// <summary>Writes only so many of the last lines that match; 0 for none of those that are there, with -Wait.</summary>
    [Parameter]
    [Alias("Tail")]
    [ValidateRange(0, int.MaxValue)]
    public int Last { get; set; } = int.MaxValue;

    /// <summary>Goes on with the lines that are still to come, until the bus is stopped.</summary>
    [Parameter]
    [Alias("Follow")]
    public SwitchParameter Wait { get; set; }

    private protected override void Process()
    {
        object? given = Bus is PSObject wrapped ? wrapped.BaseObject : Bus;
        Bus bus = BusResolution.ResolveOpen(given is BusWorker worker ? worker.BusName : Bus);
        CheckWorkers(bus);
        BusLogEntry[] there = [.. bus.GetLog()];
        WriteObject(there.Where(IsWanted).TakeLast(Last), enumerateCollection: true);
        if (Wait)
            Follow(bus, there.Length > 0 ? there[^1].Sequence : 0);
    }

    private void Follow(Bus bus, long seen)
    {
        while (true)
        {
            Task<bool> more = bus.WaitForLogAsync(seen, Cancellation);
            WaitFor(more);
            if (!more.Result)
                return;

            foreach (BusLogEntry entry in bus.GetLog(after: seen))
            {
                seen = entry.Sequence;
                if (IsWanted(entry))
                    WriteObject(entry);
            }
        }
    }

    private bool IsWanted(BusLogEntry entry) =>
        entry.Level >= Level && (Worker is null || (entry.WorkerId is int worker && Worker.Contains(worker)));

    private void CheckWorkers(Bus bus)
    {
        int total = bus.Pools.Sum(pool => pool.Instances);
        foreach (int worker in Worker ?? [])
        {
            if (worker < 0 || worker >= total)
                ThrowTerminatingError(BusErrors.WorkerNotFound(bus, worker));
        }
    }
}
