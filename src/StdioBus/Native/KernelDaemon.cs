using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace StdioBus;

/// <summary>The daemon's program, which lies beside the kernel's library and guards the workers of a host that is killed.</summary>
internal static partial class KernelDaemon
{
    private const UnixFileMode Read = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const int MayExecute = 1; // X_OK

    /// <summary>The program beside a library, made executable; null when it is not there, or not needed, as on Windows.</summary>
    public static string? Beside(string library)
    {
        if (OperatingSystem.IsWindows())
            return null;
        string path = Path.Combine(Path.GetDirectoryName(library)!, "stdio_bus");
        return File.Exists(path) ? Runnable(path) : null;
    }

    /// <summary>
    /// This program, made executable if it was not: packages carry no permissions. Where that is not ours to do, as in a
    /// folder for all users, a copy of the user's own.
    /// </summary>
    public static string Runnable(string program)
    {
        if (OperatingSystem.IsWindows() || IsRunnable(program) || MakeExecutable(program))
            return program;
        return PrivateCopy.Folder is { } folder ? PrivateCopy.Of(program, folder) : program;
    }

    private static bool IsRunnable(string program) => Access(program, MayExecute) == 0;

    // Whoever may read the file may run it.
    [UnsupportedOSPlatform("windows")]
    private static bool MakeExecutable(string program)
    {
        try
        {
            UnixFileMode mode = File.GetUnixFileMode(program);
            File.SetUnixFileMode(program, mode | (UnixFileMode)((int)(mode & Read) >> 2));
            return IsRunnable(program);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return false; // somebody else's file, or a file system that is read only
        }
    }

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Access(string path, int mode);
}
