using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace StdioBus.Tests.Support;

/// <summary>The names of this process's threads, as Windows knows them.</summary>
[SupportedOSPlatform("windows")]
internal static partial class ThreadNames
{
    private const uint QueryLimitedInformation = 0x0800;

    /// <summary>How many threads have a name that begins so.</summary>
    public static int Count(string prefix)
    {
        using var self = Process.GetCurrentProcess();
        return self.Threads.Cast<ProcessThread>().Count(thread => Name((uint)thread.Id).StartsWith(prefix, StringComparison.Ordinal));
    }

    // A thread that has ended meanwhile has none.
    private static string Name(uint id)
    {
        nint thread = Open(QueryLimitedInformation, 0, id);
        if (thread == 0)
            return "";
        string name = Describe(thread, out nint text) < 0 ? "" : Marshal.PtrToStringUni(text)!;
        Marshal.FreeHGlobal(text);
        _ = Close(thread);
        return name;
    }

    [LibraryImport("kernel32", EntryPoint = "OpenThread")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint Open(uint access, int inherit, uint id);

    [LibraryImport("kernel32", EntryPoint = "GetThreadDescription")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Describe(nint thread, out nint text);

    [LibraryImport("kernel32", EntryPoint = "CloseHandle")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Close(nint handle);
}
