using System.Globalization;

namespace StdioBus.Tests.Support;

/// <summary>What the system says of the process that runs the tests.</summary>
internal static class OwnProcess
{
    /// <summary>The loop threads of all its buses, the youngest last, as folders under /proc.</summary>
    public static IReadOnlyList<string> LoopThreads =>
        [.. Directory.GetDirectories("/proc/self/task").Where(IsLoop).OrderBy(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))];

    /// <summary>How many descriptors are open.</summary>
    public static int Descriptors => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>How often a thread went to sleep of its own accord.</summary>
    public static long VoluntarySwitches(string thread) => File.ReadLines(Path.Combine(thread, "status"))
        .Where(line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture))
        .Single();

    // A thread's name is cut to 15 characters by the system.
    private static bool IsLoop(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "comm")).StartsWith("StdioBus loop", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
