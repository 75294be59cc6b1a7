using System.Runtime.InteropServices;

/// <summary>What .NET starts first in each program that the tests run under Wine: it loads wine_frames.dll, which says why.</summary>
internal static class StartupHook
{
    public static void Initialize() =>
        NativeLibrary.Load(Path.Combine(Path.GetDirectoryName(typeof(StartupHook).Assembly.Location)!, "wine_frames.dll"));
}
