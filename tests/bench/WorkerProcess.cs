using System.Diagnostics;

namespace StdioBus.Bench;

/// <summary>The worker as a plain child process, for the contestants that do not start their own.</summary>
internal static class WorkerProcess
{
    public static Process Start(string path, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
        ?? throw new InvalidOperationException($"{path} did not start");

    public static async ValueTask EndAsync(Process worker)
    {
        worker.StandardInput.Close();
        await worker.WaitForExitAsync();
        worker.Dispose();
    }
}
