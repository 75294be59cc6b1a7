using System.Globalization;

namespace StdioBus;

/// <summary>The buses of this process, from their construction to their disposal.</summary>
public static class BusRegistry
{
    private static readonly object Gate = new();
    private static readonly List<Bus> Buses = [];
    private static int s_lastNumber;
    private static bool s_hooked;

    /// <summary>The buses that were not disposed, in the order in which they were made.</summary>
    public static IReadOnlyList<Bus> Open
    {
        get
        {
            lock (Gate)
                return [.. Buses];
        }
    }

    /// <summary>The open bus with this name, ignoring case; null when there is none.</summary>
    public static Bus? Find(string name)
    {
        lock (Gate)
            return Buses.Find(bus => string.Equals(bus.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Lists a bus under the wanted name, else under the next free one.</summary>
    internal static string Add(Bus bus, string? wanted)
    {
        lock (Gate)
        {
            if (wanted is not null && Buses.Exists(other => string.Equals(other.Name, wanted, StringComparison.OrdinalIgnoreCase)))
                throw new BusInvalidArgumentException($"{nameof(BusOptions.Name)}: a bus named '{wanted}' is open already; names must be unique in the process.");
            string name = wanted ?? NextName();
            bus.Name = name;
            Buses.Add(bus);
            if (!s_hooked)
            {
                s_hooked = true;
                AppDomain.CurrentDomain.ProcessExit += static (_, _) => KillAll();
            }

            return name;
        }
    }

    internal static void Remove(Bus bus)
    {
        lock (Gate)
            Buses.Remove(bus);
    }

    private static string NextName()
    {
        string name;
        do
            name = "bus" + (++s_lastNumber).ToString(CultureInfo.InvariantCulture);
        while (Buses.Exists(bus => string.Equals(bus.Name, name, StringComparison.OrdinalIgnoreCase)));
        return name;
    }

    // A process that ends without disposing must not leave workers, nor the children of workers, behind.
    private static void KillAll()
    {
        Task[] ends = [.. Open.Select(bus => bus.KillAsync())];
        Task.WaitAll(ends, TimeSpan.FromSeconds(2));
    }
}
