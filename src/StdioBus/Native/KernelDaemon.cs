using System.Runtime.Versioning;

namespace StdioBus;

/// <summary>The daemon's program, which lies beside the kernel's library and guards the workers of a host that is killed.</summary>
internal static class KernelDaemon
{
    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode Read = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>The program beside a library, made executable; null when it is not there, or not needed, as on Windows.</summary>
    public static string? Beside(string library)
    {
        if (OperatingSystem.IsWindows())
            return null;
        string path = Path.Combine(Path.GetDirectoryName(library)!, "stdio_bus");
        if (!File.Exists(path))
            return null;
        MakeExecutable(path);
        return path;
    }

    // Packages carry no permissions: whoever may read the file may run it.
    [UnsupportedOSPlatform("windows")]
    private static void MakeExecutable(string path)
    {
        UnixFileMode mode = File.GetUnixFileMode(path);
        if ((mode & Execute) != 0)
            return;
        try
        {
            File.SetUnixFileMode(path, mode | (UnixFileMode)((int)(mode & Read) >> 2));
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            // Somebody else's file, as in a folder for all users. The kernel then says in its log that it cannot execute it.
        }
    }
}
