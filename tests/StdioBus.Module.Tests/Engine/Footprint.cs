using System.Collections;
using System.Globalization;
using System.Management.Automation.Runspaces;
using System.Reflection;
using StdioBus.Tests.Support;

namespace StdioBus.Module.Tests.Engine;

/// <summary>What this process, and one runspace of it, hold: a leak makes one of the numbers grow.</summary>
internal readonly record struct Footprint(
    int Threads, int Descriptors, int Processes, int Runspaces, int Subscribers, int Events, long Timers, long Managed, long Native)
{
    // What caches and the runtime itself may take beyond; a leak takes more, this often.
    private const long SlackBytes = 1024 * 1024;

    // The runspaces of the process, each by a weak reference: what Get-Runspace lists, without the module that has it.
    private static readonly PropertyInfo RunspaceList = typeof(Runspace)
        .GetProperty("RunspaceList", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
        ?? throw new InvalidOperationException("The engine has no list of its runspaces.");

    public static Footprint Measure(Runspace runspace)
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return new Footprint(
            Directory.GetDirectories("/proc/self/task").Count(IsNotTheRuntimes),
            OwnProcess.Descriptors,
            Directory.GetDirectories("/proc/self/task").Sum(Children),
            ((ICollection)RunspaceList.GetValue(null)!).Count,
            runspace.Events.Subscribers.Count,
            runspace.Events.ReceivedEvents.Count,
            Timer.ActiveCount,
            GC.GetTotalMemory(true),
            OwnProcess.NativeBytes);
    }

    /// <summary>Whether nothing is more than it was.</summary>
    public bool IsWithin(in Footprint before) =>
        Threads <= before.Threads
        && Descriptors <= before.Descriptors + OwnProcess.DescriptorSlack
        && Processes <= before.Processes
        && Runspaces <= before.Runspaces
        && Subscribers <= before.Subscribers
        && Events <= before.Events
        && Timers <= before.Timers
        && Managed <= before.Managed + SlackBytes
        && Native <= before.Native + SlackBytes;

    // Those of the thread pool and the like come and go as the runtime finds right; it names them.
    private static bool IsNotTheRuntimes(string thread) => !Read(thread, "comm").StartsWith(".NET ", StringComparison.Ordinal);

    private static int Children(string thread) => Read(thread, "children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Count(child => Directory.Exists("/proc/" + int.Parse(child, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)));

    // A thread that has ended meanwhile has nothing to say.
    private static string Read(string thread, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, file));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
