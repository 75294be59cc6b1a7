using System.Globalization;
using StdioBus.EngineBench;

Modules modules = Modules.Find();
modules.LoadFromTheModule();
if (FirstUse.Serve(args)) return 0;
if (args is not [string workers, ..] || !File.Exists(Path.Combine(workers, "echo-worker")))
{
    Console.Error.WriteLine("usage: StdioBus.EngineBench FOLDER-OF-WORKERS [calls [WARM-UPS]|first|stops]   (tests/bench/run-engine builds the workers and calls this)");
    return 2;
}

string? only = args.Length > 1 ? args[1] : null;
if (only is null or "calls") await Calls.RunAsync(modules, workers, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1);
if (only is null or "stops") await Stops.RunAsync(modules, workers);
if (only is null or "first") await FirstUse.RunAsync(modules, workers);
return 0;
