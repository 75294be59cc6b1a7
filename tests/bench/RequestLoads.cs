using System.Diagnostics;

namespace StdioBus.Bench;

/// <summary>
/// Requests one after the other and many in flight: every client over the same worker. Beside the time it takes on the
/// clock stands the CPU time of this process, without the worker's: what others do on the machine changes it less.
/// </summary>
internal static class RequestLoads
{
    private static readonly (string Title, int InFlight, int Calls)[] Loads =
        [("one after the other", 1, 10_000), ("64 in flight", 64, 100_000)];

    public static async Task RunAsync(string worker)
    {
        (string Name, Func<Task<IContestant>> Start)[] all =
        [
            ("raw pipe", () => Task.FromResult<IContestant>(new RawPipe(worker))),
            ("JSON alone", () => Task.FromResult<IContestant>(new JsonAlone())),
            ("StreamJsonRpc", () => Task.FromResult<IContestant>(new StreamJsonRpcClient(worker))),
            ("MCP client", async () => await McpClientContestant.StartAsync(worker)),
            ("StdioBus", async () => await CoreClient.StartAsync(worker)),
            ("  blocking", () => Task.FromResult<IContestant>(BlockingClient.Start(worker))),
        ];
        foreach ((string title, int inFlight, int calls) in Loads)
        {
            // A thread for each of many calls is nobody's way to make them.
            var contestants = inFlight == 1 ? all : all[..^1];
            double[][] medians = await Measure.MediansAsync(
                [.. contestants.Select(contestant => (Func<Task<double[]>>)(() => RunOneAsync(contestant.Start, calls, inFlight)))]);
            Console.WriteLine($"  {title}");
            double[] raw = medians[0], json = medians[1], jsonRpc = medians[2], mcp = medians[3], bus = medians[4];
            for (int i = 0; i < contestants.Length; i++)
            {
                double time = medians[i][0], cpu = medians[i][1], bytes = medians[i][2];
                Console.WriteLine(
                    $"    {contestants[i].Name,-14}{time,8:F1} µs a call {1e6 / time,9:N0} calls/s {cpu,6:F1} µs CPU {bytes,6:N0} bytes   time: {time / raw[0],5:F2} × raw pipe {time / jsonRpc[0],6:F2} × StreamJsonRpc {time / mcp[0],6:F2} × MCP client   CPU: {cpu / jsonRpc[1],5:F2} × StreamJsonRpc");
            }

            Console.WriteLine(
                $"    StdioBus makes {jsonRpc[0] / bus[0]:F2} × the calls of StreamJsonRpc, {mcp[0] / bus[0]:F2} × those of the MCP client, {raw[0] / bus[0]:F2} × those of the raw pipe");
            Console.WriteLine($"    a client that were as fast as the raw pipe and the JSON together would make {jsonRpc[0] / (raw[0] + json[0]):F2} × the calls of StreamJsonRpc");
        }
    }

    // Each one runs alone: a reader that another one leaves blocked on the thread pool would slow the next.
    private static async Task<double[]> RunOneAsync(Func<Task<IContestant>> start, int calls, int inFlight)
    {
        await using IContestant contestant = await start();
        await contestant.RunAsync(calls / 2, inFlight);
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long begin = Stopwatch.GetTimestamp();
        await contestant.RunAsync(calls, inFlight);
        TimeSpan time = Stopwatch.GetElapsedTime(begin);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        return [time.TotalMicroseconds / calls, cpu.TotalMicroseconds / calls, (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / calls];
    }
}
