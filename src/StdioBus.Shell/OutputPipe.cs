using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StdioBus.Shell;

/// <summary>
/// stdout or stderr where it is a pipe. .NET's console streams take a closed pipe for success, so it is opened as a file,
/// where the write fails as it should. Only a file that has no position can be: one with a position shares it with
/// other processes.
/// </summary>
internal static class OutputPipe
{
    private const uint FileTypePipe = 3;

    /// <summary>The stream; null when it is not a pipe.</summary>
    /// <param name="descriptor">1 for stdout, 2 for stderr.</param>
    public static FileStream? Open(int descriptor)
    {
        // STD_OUTPUT_HANDLE is -11, STD_ERROR_HANDLE -12.
        var handle = new SafeFileHandle(OperatingSystem.IsWindows() ? GetStdHandle(-10 - descriptor) : descriptor, ownsHandle: false);
        if (OperatingSystem.IsWindows() && GetFileType(handle) != FileTypePipe)
            return null;
        var pipe = new FileStream(handle, FileAccess.Write, bufferSize: 0);
        if (!pipe.CanSeek)
            return pipe;
        pipe.Dispose();
        return null;
    }

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern nint GetStdHandle(int number);

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern uint GetFileType(SafeFileHandle handle);
}
