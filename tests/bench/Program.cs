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

IContestant[] contestants = [new RawPipe(worker), new StreamJsonRpcClient(worker), await CoreClient.StartAsync(worker)];
Console.WriteLine(args.Length > 1 ? args[1] : "free to move");
foreach ((string title, int inFlight, int calls) in loads)
{
    var perCall = contestants.ToDictionary(c => c, _ => new List<double>());
    foreach (IContestant contestant in contestants) await contestant.RunAsync(calls, inFlight); // warm-up
    for (int round = 0; round < Rounds; round++)
    {
        foreach (IContestant contestant in contestants)
        {
            long start = Stopwatch.GetTimestamp();
            await contestant.RunAsync(calls, inFlight);
            perCall[contestant].Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / calls);
        }
    }

    Console.WriteLine($"  {title}");
    double raw = Median(perCall[contestants[0]]), peer = Median(perCall[contestants[1]]);
    foreach (IContestant contestant in contestants)
    {
        double time = Median(perCall[contestant]);
        Console.WriteLine(
            $"    {contestant.Name,-14} {time,8:F1} µs a call  {1e6 / time,9:N0} calls/s   {time / raw,6:F2} × raw pipe   {time / peer,5:F2} × StreamJsonRpc");
    }
}

foreach (IContestant contestant in contestants) await contestant.DisposeAsync();
return 0;

static double Median(List<double> values)
{
    values.Sort();
    return values[values.Count / 2];
}
