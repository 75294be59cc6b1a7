using System.Globalization;
using System.Runtime.InteropServices;

namespace StdioBus.Tests.Support;

/// <summary>What the system says of the process that runs the tests.</summary>
internal static class OwnProcess
{
    /// <summary>The loop threads of all its buses, the youngest last, as folders under /proc.</summary>
    public static IReadOnlyList<string> LoopThreads =>
        [.. Directory.GetDirectories("/proc/self/task").Where(IsLoop).OrderBy(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))];

    /// <summary>How many descriptors are open, but for those of assemblies, which the runtime loads when it first needs them.</summary>
    public static int Descriptors => Directory.GetFileSystemEntries("/proc/self/fd").Count(descriptor => !IsAssembly(descriptor));

    /// <summary>How often a thread went to sleep of its own accord.</summary>
    public static long VoluntarySwitches(string thread) => File.ReadLines(Path.Combine(thread, "status"))
        .Where(line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture))
        .Single();

    /// <summary>How many bytes of the C heap are in use, in all its arenas.</summary>
    public static long NativeBytes
    {
        get
        {
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
