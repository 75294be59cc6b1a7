using System.Diagnostics;
using StdioBus.Bench;

// Runs every contestant in turn, round after round, in one process, and prints medians and ratios:
// absolute times mean little on a shared machine, ratios within one run do.
const int Rounds = 9;
(string Title, int InFlight, int Calls)[] loads = [("one after the other", 1, 4_000), ("64 in flight", 64, 40_000)];

if (args is not [string worker, ..] || !File.Exists(worker))
{
    Console.Error.WriteLine("usage: StdioBus.Bench WORKER [TITLE]   (tests/bench/run builds the worker and calls this)");
    return 2;
}

(string Name, Func<Task<IContestant>> Start)[] contestants =
[
    ("raw pipe", () => Task.FromResult<IContestant>(new RawPipe(worker))),
    ("StreamJsonRpc", () => Task.FromResult<IContestant>(new StreamJsonRpcClient(worker))),
    ("StdioBus", async () => await CoreClient.StartAsync(worker)),
];
Console.WriteLine(args.Length > 1 ? args[1] : "free to move");
foreach ((string title, int inFlight, int calls) in loads)
{
    var perCall = contestants.Select(_ => new List<double>()).ToArray();
    for (int round = 0; round <= Rounds; round++)
    {
        for (int i = 0; i < contestants.Length; i++)
        {
            double time = await MeasureAsync(contestants[i].Start, calls, inFlight);
            if (round > 0) perCall[i].Add(time); // the first round warms up
        }
    }

    double[] medians = [.. perCall.Select(Median)];
    Console.WriteLine($"  {title}");
    for (int i = 0; i < contestants.Length; i++)
    {
        Console.WriteLine(
            $"    {contestants[i].Name,-14} {medians[i],8:F1} µs a call  {1e6 / medians[i],9:N0} calls/s   {medians[i] / medians[0],6:F2} × raw pipe   {medians[i] / medians[1],5:F2} × StreamJsonRpc");
    }
}

return 0;

// Each one runs alone: a reader that another one leaves blocked on the thread pool would slow the next.
static async Task<double> MeasureAsync(Func<Task<IContestant>> start, int calls, int inFlight)
{
    await using IContestant contestant = await start();
    await contestant.RunAsync(calls / 4, inFlight);
    long begin = Stopwatch.GetTimestamp();
    await contestant.RunAsync(calls, inFlight);
    return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / calls;
}

static double Median(List<double> values)
{
    values.Sort();
    return values[values.Count / 2];
}
