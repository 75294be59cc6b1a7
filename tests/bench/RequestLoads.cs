using System.Diagnostics;

namespace StdioBus.Bench;

/// <summary>
/// Requests one after the other and many in flight: every client over the same worker. CPU time is this process's own, in
/// the last round.
/// </summary>
internal static class RequestLoads
{
    private static readonly (string Title, int InFlight, int Calls)[] Loads =
        [("one after the other", 1, 4_000), ("64 in flight", 64, 40_000)];

    public static async Task RunAsync(string worker)
    {
        (string Name, Func<Task<IContestant>> Start)[] contestants =
        [
            ("raw pipe", () => Task.FromResult<IContestant>(new RawPipe(worker))),
            ("StreamJsonRpc", () => Task.FromResult<IContestant>(new StreamJsonRpcClient(worker))),
            ("MCP client", async () => await McpClientContestant.StartAsync(worker)),
            ("StdioBus", async () => await CoreClient.StartAsync(worker)),
        ];
        foreach ((string title, int inFlight, int calls) in Loads)
        {
            var bytes = new double[contestants.Length];
            var cpu = new double[contestants.Length];
            double[] medians = await Measure.MediansAsync(
                [.. contestants.Select((c, i) => (Func<Task<double>>)(async () =>
                {
                    (double time, bytes[i], cpu[i]) = await RunOneAsync(c.Start, calls, inFlight);
                    return time;
                }))]);
            Console.WriteLine($"  {title}");
            for (int i = 0; i < contestants.Length; i++)
            {
                Console.WriteLine(
                    $"    {contestants[i].Name,-14}{medians[i],8:F1} µs a call {1e6 / medians[i],9:N0} calls/s {cpu[i],6:F1} µs CPU {bytes[i],6:N0} bytes   time: {medians[i] / medians[0],5:F2} × raw pipe {medians[i] / medians[1],6:F2} × StreamJsonRpc {medians[i] / medians[2],6:F2} × MCP client");
            }
        }
    }

    // Each one runs alone: a reader that another one leaves blocked on the thread pool would slow the next.
    private static async Task<(double Microseconds, double Bytes, double Cpu)> RunOneAsync(Func<Task<IContestant>> start, int calls, int inFlight)
    {
        await using IContestant contestant = await start();
        await contestant.RunAsync(calls / 4, inFlight);
        long allocated = GC.GetTotalAllocatedBytes();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long begin = Stopwatch.GetTimestamp();
        await contestant.RunAsync(calls, inFlight);
        double time = Stopwatch.GetElapsedTime(begin).TotalMicroseconds / calls;
        return (time, (double)(GC.GetTotalAllocatedBytes() - allocated) / calls, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / calls);
    }
}
