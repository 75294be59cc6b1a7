using System.Management.Automation;
using System.Management.Automation.Runspaces;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module;

/// <summary>
/// Leaves nothing behind. A bus belongs to the runspace that made it: removing the module there removes the runspace's
/// buses, handlers and actions, and no others. The end of the process removes all.
/// </summary>
public sealed class ModuleLifetime : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    // Workers that heed the end of their input are gone long before; the others are killed.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private static int _watchesExit;

    /// <summary>Called by the engine at each import, once a runspace.</summary>
    public void OnImport()
    {
        if (Interlocked.Exchange(ref _watchesExit, 1) == 0)
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(BusRegistry.Open);
    }

    /// <summary>Called by the engine when a runspace removes the module.</summary>
    /// <param name="psModuleInfo">The module.</param>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        // Before the buses: a job whose bus went first would have failed, and not been stopped.
        RunspaceHoldings.Of(Runspace.DefaultRunspace).EndAllAsync().Wait(Longest);
        Remove(RunspaceBuses.Here.TakeMade());
    }

    private static void Remove(IReadOnlyList<Bus> buses) =>
        Task.WhenAll(buses.Select(bus => Task.Run(() => BusRemoval.StopAsync(bus, Grace)))).Wait(Longest);
}
