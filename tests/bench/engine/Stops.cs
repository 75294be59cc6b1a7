using System.Diagnostics;
using System.Management.Automation;
using StdioBus.Bench;

namespace StdioBus.EngineBench;

/// <summary>How long it takes from Ctrl+C, which stops the pipeline, until it is over, while a worker never answers.</summary>
internal static class Stops
{
    private const int Milliseconds = 200;

    public static async Task RunAsync(Modules modules, string workers)
    {
        using var engine = new Engine();
        engine.Run($"Import-Module '{modules.StdioBus}'");

        // With a pause this worker waits for a line before each chunk, and there are more chunks than lines.
        engine.Run($"$bus = New-StdioBus silent '{Path.Combine(workers, "chunk-worker")}'; $endless = @{{ sessionId = 's'; count = 1000000; pause = 1 }}");
        var bus = (Bus)engine.Run("$bus")[0].BaseObject;
        string[] commands = ["Invoke-BusRequest", "Invoke-BusStream"];
        double[] worst = new double[commands.Length];
        double[] ms = await Measure.MediansAsync([.. commands.Select((command, i) => (Func<Task<double>>)(() =>
        {
            double took = Stop(engine, bus, $"{command} run $endless -Timeout Infinite");
            worst[i] = Math.Max(worst[i], took);
            return Task.FromResult(took);
        }))]);
        Console.WriteLine("  from Ctrl+C until the command is over, with a worker that never answers");
        for (int i = 0; i < commands.Length; i++)
            Console.WriteLine($"    {commands[i],-17}  {ms[i],8:F1} ms   at most {worst[i]:F1} ms   ≤ {Milliseconds}");
        engine.Run("Remove-StdioBus $bus -Force; Get-Module StdioBus | Remove-Module");
    }

    private static double Stop(Engine engine, Bus bus, string script)
    {
        using PowerShell shell = engine.Begin(script);
        while (bus.PendingCount == 0)
        {
            if (shell.InvocationStateInfo.State != PSInvocationState.Running) throw new InvalidOperationException($"'{script}' ended by itself: {shell.InvocationStateInfo.Reason}");
            Thread.Yield();
        }

        long begin = Stopwatch.GetTimestamp();
        shell.Stop();
        double took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        if (bus.PendingCount != 0) throw new InvalidOperationException($"'{script}' was stopped and its request still waits");
        return took;
    }
}
