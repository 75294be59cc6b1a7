using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace StdioBus.Module.Pipeline;

/// <summary>Something that works for a runspace in the background and goes with it.</summary>
internal interface IRunspaceHolding
{
    /// <summary>Ends it without grace; done when nothing of it runs any more. Safe to repeat.</summary>
    Task EndAsync();
}

/// <summary>What works for a runspace in the background: it ends when the runspace closes or removes the module.</summary>
internal sealed class RunspaceHoldings
{
    private static readonly ConditionalWeakTable<Runspace, RunspaceHoldings> PerRunspace = [];

    private readonly object _gate = new();
    private readonly HashSet<IRunspaceHolding> _holdings = [];
    private bool _watches;

    /// <summary>Those of a runspace.</summary>
    public static RunspaceHoldings Of(Runspace runspace) => PerRunspace.GetOrCreateValue(runspace);

    /// <summary>Binds something to the runspace, which is this one.</summary>
    public void Add(IRunspaceHolding holding, Runspace runspace)
    {
        lock (_gate)
        {
            _holdings.Add(holding);
            if (_watches)
                return;
            _watches = true;
        }

        // For as long as the runspace lives: this object lives no longer than it.
        runspace.StateChanged += (_, change) =>
        {
            // Not awaited: the runspace is closing on this thread, and what ends here has runspaces of its own.
            if (change.RunspaceStateInfo.State is RunspaceState.Closing or RunspaceState.Closed or RunspaceState.Broken)
                _ = EndAllAsync();
        };
    }

    /// <summary>It has ended by itself.</summary>
    public void Remove(IRunspaceHolding holding)
    {
        lock (_gate)
            _holdings.Remove(holding);
    }

    /// <summary>Ends all.</summary>
    public Task EndAllAsync()
    {
        IRunspaceHolding[] taken;
        lock (_gate)
        {
            taken = [.. _holdings];
            _holdings.Clear();
        }

        return Task.WhenAll(taken.Select(holding => Task.Run(holding.EndAsync)));
    }
}
