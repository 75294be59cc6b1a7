using System.Globalization;

namespace StdioBus.Tests.Support;

/// <summary>Groups of processes, to which a terminal sends its signals.</summary>
internal static class ProcessGroup
{
    /// <summary>The group of a process.</summary>
    public static int Of(int process) =>
        // Behind the name, which may hold anything, are state, parent and group.
        int.Parse(File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1].Split(' ')[2], CultureInfo.InvariantCulture);
}
