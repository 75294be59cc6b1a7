namespace StdioBus.Module.Pipeline;

/// <summary>The ways in which a bus goes for good.</summary>
internal static class BusRemoval
{
    /// <summary>Stops it, letting requests in flight and workers end, and frees it.</summary>
    public static async Task StopAsync(Bus bus, TimeSpan? timeout = null)
    {
        try
        {
            await bus.StopAsync(timeout).ConfigureAwait(false);
        }
        finally
        {
            await bus.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends it without grace, and frees it.</summary>
    public static async Task KillAsync(Bus bus)
    {
        try
        {
            await bus.KillAsync().ConfigureAwait(false);
        }
        finally
        {
            await bus.DisposeAsync().ConfigureAwait(false);
        }
    }
}
