using System.Diagnostics;
using System.Globalization;
using StdioBus.Bench;

namespace StdioBus.EngineBench;

/// <summary>What a process pays the first time, each time in a fresh process: the import, the first result, and that of a second bus.</summary>
internal static class FirstUse
{
    private const string ImportMode = "--import";
    private const string UseMode = "--use";

    /// <summary>Runs in the fresh process when it was started for that; otherwise says no.</summary>
    public static bool Serve(string[] args)
    {
        switch (args)
        {
            case [ImportMode, string module]:
                using (var engine = new Engine())
                    Print(engine.Time($"Import-Module '{module}'"));
                return true;
            case [UseMode, string module, string worker]:
                using (var engine = new Engine())
                {
                    engine.Run($"Import-Module '{module}'");
                    string use = $"$bus = New-StdioBus echo '{worker}'; $null = Invoke-BusRequest echo @{{ a = 1 }}";
                    double first = engine.Time(use);
                    engine.Run("Remove-StdioBus $bus");
                    double second = engine.Time(use);
                    engine.Run("Remove-StdioBus $bus");
                    Print(first, second, RawStart(worker));
                }

                return true;
            default:
                return false;
        }
    }

    public static async Task RunAsync(Modules modules, string workers)
    {
        double[] import = await Measure.MediansAsync(
            [() => FreshAsync(0, ImportMode, modules.Empty), () => FreshAsync(0, ImportMode, modules.StdioBus)]);
        Console.WriteLine("  Import-Module, in a fresh process");
        Console.WriteLine($"    empty binary module {import[0] / 1000,7:F0} ms");
        Console.WriteLine($"    StdioBus            {import[1] / 1000,7:F0} ms   {(import[1] - import[0]) / 1000:F0} ms more   ≤ 150");

        string[] use = [UseMode, modules.StdioBus, Path.Combine(workers, "echo-worker")];
        double[] first = await Measure.MediansAsync([.. Enumerable.Range(0, 3).Select(which => (Func<Task<double>>)(() => FreshAsync(which, use)))]);
        Console.WriteLine("  New-StdioBus and the first result");
        Console.WriteLine($"    a worker alone      {first[2] / 1000,7:F1} ms from its start to its first answer");
        Console.WriteLine($"    first in a process  {first[0] / 1000,7:F1} ms   ≤ 150 beyond that");
        Console.WriteLine($"    second bus          {first[1] / 1000,7:F1} ms   ≤ 20 beyond that");
    }

    private static double RawStart(string worker)
    {
        // Twice: the first time is the runtime's own.
        double time = 0;
        for (int i = 0; i < 2; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            using Process process = WorkerProcess.Start(worker);
            process.StandardInput.WriteLine("{\"id\":1,\"params\":{}}");
            process.StandardInput.Flush();
            process.StandardOutput.ReadLine();
            time = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            process.StandardInput.Close();
            process.WaitForExit();
        }

        return time;
    }

    private static async Task<double> FreshAsync(int which, params string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, args) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"the fresh process ended with {process.ExitCode}");
        return double.Parse(output.Split('\n')[which], CultureInfo.InvariantCulture);
    }

    private static void Print(params double[] figures)
    {
        foreach (double figure in figures) Console.WriteLine(figure.ToString(CultureInfo.InvariantCulture));
    }
}
