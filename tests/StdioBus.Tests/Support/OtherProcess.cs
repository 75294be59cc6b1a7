using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace StdioBus.Tests.Support;

/// <summary>What the system says of processes other than the one that runs the tests.</summary>
internal static partial class OtherProcess
{
    /// <summary>Whether it is there; on Unix also one that has ended and that nobody has reaped.</summary>
    public static bool Exists(int id) => OperatingSystem.IsWindows() ? IsAlive(id) : Directory.Exists($"/proc/{id}");

    /// <summary>Whether it runs. One that is not reaped has ended: whoever inherits it reaps it in its own time.</summary>
    public static bool IsAlive(int id)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
                return Field(id, 0) is not ("Z" or "X");
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (Exception error) when (error is IOException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Who started it.</summary>
    public static int ParentOf(int id)
    {
        if (!OperatingSystem.IsWindows())
            return int.Parse(Field(id, 1), CultureInfo.InvariantCulture);
        using var process = Process.GetProcessById(id);
        ThrowIfFailed(Ask(process.Handle, 0, out Basics basics, Marshal.SizeOf<Basics>(), out _));
        return checked((int)basics.Parent);
    }

    /// <summary>The group of a process, to which a terminal sends its signals; not on Windows.</summary>
    public static int GroupOf(int id) => int.Parse(Field(id, 2), CultureInfo.InvariantCulture);

    /// <summary>Stops it from running until somebody lets it go on or ends it.</summary>
    public static void Freeze(int id)
    {
        if (!OperatingSystem.IsWindows())
        {
            using var kill = Process.Start("kill", ["-STOP", id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
            return;
        }

        using var process = Process.GetProcessById(id);
        ThrowIfFailed(Suspend(process.Handle));
    }

    // Behind the name, which may hold anything, are state, parent and group.
    private static string Field(int id, int index) => File.ReadAllText($"/proc/{id}/stat").Split(") ")[^1].Split(' ')[index];

    private static void ThrowIfFailed(int status)
    {
        if (status < 0)
            throw new InvalidOperationException($"The system answers with status 0x{status:X8}.");
    }

    [LibraryImport("ntdll", EntryPoint = "NtQueryInformationProcess")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Ask(nint process, int what, out Basics basics, int size, out int written);

    [LibraryImport("ntdll", EntryPoint = "NtSuspendProcess")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Suspend(nint process);

    // PROCESS_BASIC_INFORMATION.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Basics
    {
        private readonly nint _exitStatus, _block, _affinity, _priority, _id;

        public readonly nint Parent;
    }
}
