using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The buses a runspace has made, which go with the module, and those it made or selected, of which the last that is
/// still open is its current one.
/// </summary>
internal sealed class RunspaceBuses
{
    private static readonly ConditionalWeakTable<Runspace, RunspaceBuses> PerRunspace = [];

    // Open buses live by the list of the process; one that was removed, here or elsewhere, is not kept by being remembered.
    private readonly object _gate = new();
    private readonly List<WeakReference<Bus>> _made = [];
    private readonly List<WeakReference<Bus>> _chosen = [];

    /// <summary>Those of the runspace this thread works for.</summary>
    public static RunspaceBuses Here => PerRunspace.GetOrCreateValue(Runspace.DefaultRunspace);

    /// <summary>The current bus of the runspace; null when there is none.</summary>
    public Bus? Current
    {
        get
        {
            lock (_gate)
            {
                return Open(_chosen) is [.., var last] ? last : null;
            }
        }
    }

    /// <summary>A bus that was made here.</summary>
    public void Add(Bus bus)
    {
        lock (_gate)
        {
            Put(bus, _made);
            Put(bus, _chosen);
        }
    }

    /// <summary>Makes a bus the current one.</summary>
    public void Select(Bus bus)
    {
        lock (_gate)
            Put(bus, _chosen);
    }

    /// <summary>Takes the buses made here, for their disposal.</summary>
    public IReadOnlyList<Bus> TakeMade()
    {
        lock (_gate)
        {
            List<Bus> made = Open(_made);
            _made.Clear();
            _chosen.Clear();
            return made;
        }
    }

    // Makes it the last of a list.
    private static void Put(Bus bus, List<WeakReference<Bus>> list)
    {
        List<Bus> open = Open(list);
        open.Remove(bus);
        list.Clear();
        list.AddRange(open.Append(bus).Select(one => new WeakReference<Bus>(one)));
    }

    private static List<Bus> Open(List<WeakReference<Bus>> list)
    {
        IReadOnlyList<Bus> open = BusRegistry.Open;
        var found = new List<Bus>(list.Count);
        foreach (WeakReference<Bus> one in list)
        {
            if (one.TryGetTarget(out Bus? bus) && open.Contains(bus))
                found.Add(bus);
        }

        return found;
    }
}
