using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Finds the bus a command works on.</summary>
internal static class BusResolution
{
    /// <summary>
    /// The bus that was given, as an object or by name; without one the runspace's current bus, else the only open one.
    /// Ends the command when there is no such bus.
    /// </summary>
    public static Bus Resolve(PSCmdlet command, object? given)
    {
        object? data = given is PSObject wrapped ? wrapped.BaseObject : given;
        switch (data)
        {
            case Bus bus:
                return bus;
            case BlockingBus blocking:
                return blocking.Bus;
            case string name:
                return BusRegistry.Find(name) ?? throw Terminate(command, BusErrors.BusNotFound(name, OpenNames()));
            case null:
                return Implied(command);
            default:
                throw Terminate(command, BusErrors.NotABus(given!));
        }
    }

    /// <summary>As <see cref="Resolve"/>, and ends the command when the bus was removed.</summary>
    public static Bus ResolveOpen(PSCmdlet command, object? given)
    {
        Bus bus = Resolve(command, given);
        if (!BusRegistry.Open.Contains(bus))
            command.ThrowTerminatingError(BusErrors.NotRunning(bus, removed: true));

        return bus;
    }

    /// <summary>As <see cref="ResolveOpen"/>, and ends the command unless the bus runs, or is about to.</summary>
    public static Bus ResolveRunning(PSCmdlet command, object? given)
    {
        Bus bus = ResolveOpen(command, given);
        if (bus.State is BusState.Created or BusState.Stopping or BusState.Stopped)
            command.ThrowTerminatingError(BusErrors.NotRunning(bus, removed: false));

        return bus;
    }

    /// <summary>Ends the command when the bus has no such pool.</summary>
    public static void CheckPool(PSCmdlet command, Bus bus, string? pool)
    {
        if (pool is not null && !bus.Pools.Any(one => string.Equals(one.Id, pool, StringComparison.Ordinal)))
            command.ThrowTerminatingError(BusErrors.PoolNotFound(bus, pool));
    }

    private static Bus Implied(PSCmdlet command)
    {
        if (RunspaceBuses.Here.Current is Bus current)
            return current;

        IReadOnlyList<Bus> open = BusRegistry.Open;
        return open.Count switch
        {
            1 => open[0],
            0 => throw Terminate(command, BusErrors.NoBus()),
            _ => throw Terminate(command, BusErrors.SeveralBuses(OpenNames())),
        };
    }

    private static string[] OpenNames() => BusRegistry.Open.Select(bus => bus.Name).Order(StringComparer.Ordinal).ToArray();

    private static PipelineStoppedException Terminate(PSCmdlet command, ErrorRecord record)
    {
        command.ThrowTerminatingError(record);
        // Only there so that callers can write throw: the engine has thrown its own already.
        return new PipelineStoppedException();
    }
}
