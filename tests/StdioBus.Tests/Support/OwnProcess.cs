using System.Globalization;
using System.Runtime.InteropServices;

namespace StdioBus.Tests.Support;

/// <summary>What the system says of the process that runs the tests.</summary>
internal static class OwnProcess
{
    /// <summary>The loop threads of all its buses, the youngest last, as folders under /proc.</summary>
    public static IReadOnlyList<string> LoopThreads =>
        [.. Directory.GetDirectories("/proc/self/task").Where(folder => IsNamed(folder, "StdioBus loop")).OrderBy(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))];

    /// <summary>How many loop threads all its buses have.</summary>
    public static int LoopThreadCount => OperatingSystem.IsWindows() ? ThreadNames.Count("StdioBus loop") : LoopThreads.Count;

    /// <summary>How many threads all its buses have, of every kind.</summary>
    public static int BusThreadCount => OperatingSystem.IsWindows()
        ? ThreadNames.Count("StdioBus ")
        : Directory.GetDirectories("/proc/self/task").Count(folder => IsNamed(folder, "StdioBus "));

    /// <summary>
    /// How many descriptors are open, but for those of assemblies, which the runtime loads when it first needs them; on Windows
    /// how many handles.
    /// </summary>
    public static int Descriptors => OperatingSystem.IsWindows() ? OwnHandles.Count() : Directory.GetFileSystemEntries("/proc/self/fd").Count(descriptor => !IsAssembly(descriptor));

    /// <summary>How many of them the runtime may open and close as it finds right: on Windows each of its threads has some.</summary>
    public static int DescriptorSlack => OperatingSystem.IsWindows() ? 40 : 0;

    /// <summary>How often a thread went to sleep of its own accord.</summary>
    public static long VoluntarySwitches(string thread) => File.ReadLines(Path.Combine(thread, "status"))
        .Where(line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture))
        .Single();

    /// <summary>How many bytes of the C heap are in use, in all its arenas; 0 where the C library does not tell.</summary>
    public static long NativeBytes
    {
        get
        {
            if (OperatingSystem.IsWindows())
                return 0;
            HeapInfo info = ReadHeap();
            return (long)(info.InUse + info.Mapped);
        }
    }

    [DllImport("libc", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern HeapInfo ReadHeap();

    private static bool IsAssembly(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name.EndsWith(".dll", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // A thread's name is cut to 15 characters by the system.
    private static bool IsNamed(string folder, string beginning)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "comm")).StartsWith(beginning, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    // struct mallinfo2 of glibc: ten numbers, of which these two count.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct HeapInfo
    {
        private readonly nuint _arena, _freeChunks, _fastChunks, _mappedChunks;

        public readonly nuint Mapped;

        private readonly nuint _unused, _fastBytes;

        public readonly nuint InUse;

        private readonly nuint _freeBytes, _releasable;
    }
}
