using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace StdioBus.Tests.Support;

/// <summary>The handles of this process, as Windows lists them.</summary>
[SupportedOSPlatform("windows")]
internal static partial class OwnHandles
{
    private const int ExtendedHandles = 64;
    private const int TooShort = unchecked((int)0xC0000004);

    /// <summary>How many are open. (The count that a process is shown with is under Wine the size of a table.)</summary>
    public static unsafe int Count()
    {
        for (int size = 1 << 20; ; size *= 2)
        {
            byte[] list = new byte[size];
            fixed (byte* start = list)
            {
                int status = Ask(ExtendedHandles, start, size, out _);
                if (status == TooShort)
                    continue;
                if (status < 0)
                    throw new InvalidOperationException($"The system lists no handles: status 0x{status:X8}.");

                // Their number and a reserved word, then they.
                var all = new ReadOnlySpan<Entry>(start + (2 * sizeof(nint)), checked((int)*(nint*)start));
                int own = 0;
                foreach (ref readonly Entry entry in all)
                    if (entry.Process == Environment.ProcessId)
                        own++;
                return own;
            }
        }
    }

    [LibraryImport("ntdll", EntryPoint = "NtQuerySystemInformation")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static unsafe partial int Ask(int what, byte* list, int size, out int written);

    // SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Entry
    {
        private readonly nint _object;

        public readonly nint Process;

        private readonly nint _value;
        private readonly uint _access;
        private readonly ushort _trace, _type;
        private readonly uint _attributes, _reserved;
    }
}
