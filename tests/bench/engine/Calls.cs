using System.Collections;
using System.Diagnostics;
using StdioBus.Bench;

namespace StdioBus.EngineBench;

/// <summary>Requests and streams through the cmdlets, beside the core alone and beside a command that does nothing.</summary>
internal static class Calls
{
    private const int InALoop = 2_000;
    private const int InAPipeline = 20_000;
    private const int Chunks = 100_000;

    public static async Task RunAsync(Modules modules, string workers, int warmUps)
    {
        using var engine = new Engine();
        engine.Run($"Import-Module '{modules.StdioBus}', '{modules.Empty}'");
        engine.Run($"$echo = New-StdioBus echo '{Path.Combine(workers, "echo-worker")}'; $chunks = New-StdioBus chunks '{Path.Combine(workers, "chunk-worker")}'");
        var bus = (Bus)engine.Run("$echo")[0].BaseObject;
        var chunkBus = (Bus)engine.Run("$chunks")[0].BaseObject;
        engine.Run("$params = @{ message = 'hello, worker' }; $inputs = @($params) * " + InAPipeline);

        await LoopAsync(engine, bus, warmUps);
        await PipelineAsync(engine, bus, warmUps);
        await StreamAsync(engine, chunkBus, warmUps);
        engine.Run("Get-Module StdioBus | Remove-Module");
    }

    private static async Task LoopAsync(Engine engine, Bus bus, int warmUps)
    {
        string Loop(string command) => $"foreach ($i in 1..{InALoop}) {{ $null = {command} }}";
        double[] us = await Measure.MediansAsync(
        [
            () => TimeAsync(() => OneAfterTheOther(bus, InALoop), InALoop),
            () => Task.FromResult(engine.Time(Loop("Invoke-EmptyRequest echo $params -Bus $echo")) / InALoop),
            () => Task.FromResult(engine.Time(Loop("Invoke-BusRequest echo $params -Bus $echo")) / InALoop),
        ], warmUps);
        double allowed = us[0] + 1.5 * us[1];
        Console.WriteLine("  a loop of requests");
        Console.WriteLine($"    core               {us[0],8:F1} µs a call");
        Console.WriteLine($"    empty command      {us[1],8:F1} µs");
        Console.WriteLine($"    Invoke-BusRequest  {us[2],8:F1} µs   {us[2] / allowed:F2} × (core + 1.5 × empty command)   ≤ 1");
    }

    private static async Task PipelineAsync(Engine engine, Bus bus, int warmUps)
    {
        double[] us = await Measure.MediansAsync(
        [
            () => TimeAsync(() => Window.RunAsync(InAPipeline, 64, () => bus.RequestAsync("echo", Params())), InAPipeline),
            () => Task.FromResult(engine.Time("$inputs | Invoke-EmptyRequest echo -Bus $echo -ThrottleLimit 64 | Out-Null") / InAPipeline),
            () => Task.FromResult(engine.Time("$inputs | Invoke-BusRequest echo -Bus $echo -ThrottleLimit 64 | Out-Null") / InAPipeline),
        ], warmUps);
        Console.WriteLine("  requests from the pipeline, 64 in flight");
        Console.WriteLine($"    core               {1e6 / us[0],8:N0} calls/s");
        Console.WriteLine($"    empty command      {1e6 / us[1],8:N0} calls/s");
        Console.WriteLine($"    Invoke-BusRequest  {1e6 / us[2],8:N0} calls/s   {us[0] / us[2]:F2} × core   ≥ 0.40");
    }

    private static async Task StreamAsync(Engine engine, Bus bus, int warmUps)
    {
        engine.Run($"$count = @{{ sessionId = 's'; count = {Chunks} }}");
        double[] us = await Measure.MediansAsync(
        [
            () => TimeAsync(() => StreamOf(bus), Chunks),
            () => Task.FromResult(engine.Time("Invoke-BusStream run $count -Bus $chunks | Out-Null") / Chunks),
        ], warmUps);
        Console.WriteLine($"  a stream of {Chunks:N0} chunks");
        Console.WriteLine($"    core               {1e6 / us[0],8:N0} chunks/s");
        Console.WriteLine($"    Invoke-BusStream   {1e6 / us[1],8:N0} chunks/s   {us[0] / us[1]:F2} × core   ≥ 0.50");
    }

    private static Hashtable Params() => new() { ["message"] = "hello, worker" };

    private static async Task OneAfterTheOther(Bus bus, int calls)
    {
        for (int i = 0; i < calls; i++) await bus.RequestAsync("echo", Params());
    }

    private static async Task StreamOf(Bus bus)
    {
        int chunks = 0;
        await foreach (StreamEvent one in bus.StreamRequestAsync("run", new { sessionId = "s", count = Chunks }))
            if (one.Type == StreamEventType.Chunk) chunks++;
        if (chunks != Chunks) throw new InvalidOperationException($"{chunks} of {Chunks} chunks arrived");
    }

    private static async Task<double> TimeAsync(Func<Task> work, int count)
    {
        long begin = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / count;
    }
}
