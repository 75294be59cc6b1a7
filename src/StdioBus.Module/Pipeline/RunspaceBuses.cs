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

    private readonly object _gate = new();
    private readonly List<Bus> _made = [];
    private readonly List<Bus> _chosen = [];

    /// <summary>Those of the runspace this thread works for.</summary>
    public static RunspaceBuses Here => PerRunspace.GetOrCreateValue(Runspace.DefaultRunspace);

    /// <summary>The current bus of the runspace; null when there is none.</summary>
    public Bus? Current
    {
        get
        {
            lock (_gate)
            {
                ForgetRemoved();
                return _chosen.Count > 0 ? _chosen[^1] : null;
            }
        }
    }

    /// <summary>A bus that was made here.</summary>
    public void Add(Bus bus)
    {
        lock (_gate)
        {
            ForgetRemoved();
            _made.Add(bus);
            _chosen.Add(bus);
        }
    }

    /// <summary>Makes a bus the current one.</summary>
    public void Select(Bus bus)
    {
        lock (_gate)
        {
            _chosen.Remove(bus);
            _chosen.Add(bus);
        }
    }

    /// <summary>Takes the buses made here, for their disposal.</summary>
    public IReadOnlyList<Bus> TakeMade()
    {
        lock (_gate)
        {
            Bus[] made = [.. _made];
            _made.Clear();
            _chosen.Clear();
            return made;
        }
    }

    private void ForgetRemoved()
    {
        var open = BusRegistry.Open.ToHashSet();
        _made.RemoveAll(bus => !open.Contains(bus));
        _chosen.RemoveAll(bus => !open.Contains(bus));
    }
}
