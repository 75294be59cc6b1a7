using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Finds the bus a command works on; what prevents that is a <see cref="CommandFailedException"/>.</summary>
internal static class BusResolution
{
    /// <summary>
    /// The bus that was given, as an object or by name; without one the runspace's current bus, else the only open one.
    /// Fails when there is no such bus.
    /// </summary>
    public static Bus Resolve(object? given)
    {
        object? data = given is PSObject wrapped ? wrapped.BaseObject : given;
        switch (data)
        {
            case Bus bus:
                return bus;
            case BlockingBus blocking:
                return blocking.Bus;
            case string name:
                return BusRegistry.Find(name) ?? throw new CommandFailedException(BusErrors.BusNotFound(name, OpenNames()));
            case null:
                return Implied();
            default:
                throw new CommandFailedException(BusErrors.NotABus(given!));
        }
    }

    /// <summary>As <see cref="Resolve"/>, and fails when the bus was removed.</summary>
    public static Bus ResolveOpen(object? given)
    {
        Bus bus = Resolve(given);
        if (!BusRegistry.Open.Contains(bus))
            throw new CommandFailedException(BusErrors.NotRunning(bus, removed: true));

        return bus;
    }

    /// <summary>As <see cref="ResolveOpen"/>, and fails unless the bus runs, or is about to.</summary>
    public static Bus ResolveRunning(object? given)
    {
        Bus bus = ResolveOpen(given);
        if (bus.State is BusState.Created or BusState.Stopping or BusState.Stopped)
            throw new CommandFailedException(BusErrors.NotRunning(bus, removed: false));

        return bus;
    }

    /// <summary>Fails when the bus has no such pool.</summary>
    public static void CheckPool(Bus bus, string? pool)
    {
        if (pool is not null && !bus.Pools.Any(one => string.Equals(one.Id, pool, StringComparison.Ordinal)))
            throw new CommandFailedException(BusErrors.PoolNotFound(bus, pool));
    }

    private static Bus Implied()
    {
        if (RunspaceBuses.Here.Current is Bus current)
            return current;

        IReadOnlyList<Bus> open = BusRegistry.Open;
        return open.Count switch
        {
            1 => open[0],
            0 => throw new CommandFailedException(BusErrors.NoBus()),
            _ => throw new CommandFailedException(BusErrors.SeveralBuses(OpenNames())),
        };
    }

    private static string[] OpenNames() => BusRegistry.Open.Select(bus => bus.Name).Order(StringComparer.Ordinal).ToArray();
}
