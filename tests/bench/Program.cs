using System.Diagnostics;
using StdioBus.Bench;

// Runs every contestant in turn, round after round, in one process, and prints medians and ratios:
// absolute times mean little on a shared machine, ratios within one run do.
if (args is not [string folder, string title, ..] || !File.Exists(Path.Combine(folder, "echo-worker")))
{
    Console.Error.WriteLine("usage: StdioBus.Bench FOLDER-OF-WORKERS TITLE   (tests/bench/run builds the workers and calls this)");
    return 2;
}

Debug.Assert(Stopwatch.Frequency == 1_000_000_000, "times of the worker and of this process are compared in nanoseconds");
string? only = args.Length > 2 ? args[2] : null;
Console.WriteLine(title);
if (only is null or "requests")
    await RequestLoads.RunAsync(Path.Combine(folder, "echo-worker"));
if (only is null or "streams")
    await StreamLoads.RunAsync(Path.Combine(folder, "chunk-worker"));
return 0;
