using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>Lists the open buses of this process.</summary>
[Cmdlet(VerbsCommon.Get, "StdioBus")]
[OutputType(typeof(Bus))]
public sealed class GetStdioBusCommand : BusCmdlet
{
    /// <summary>The names to list; wildcards are allowed. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public string[] Name { get; set; } = ["*"];

    private protected override void Process()
    {
        IReadOnlyList<Bus> open = BusRegistry.Open;
        foreach (string name in Name)
        {
            var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            Bus[] matching = open.Where(bus => pattern.IsMatch(bus.Name)).ToArray();
            foreach (Bus bus in matching)
                WriteObject(bus);

            if (matching.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                WriteError(BusErrors.BusNotFound(name, open.Select(bus => bus.Name).ToArray()));
        }
    }
}

/// <summary>Makes a bus the current one of this runspace: the one that commands without -Bus use.</summary>
[Cmdlet(VerbsCommon.Select, "StdioBus")]
[OutputType(typeof(Bus))]
public sealed class SelectStdioBusCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>Writes the bus.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        RunspaceBuses.Here.Select(bus);
        if (PassThru)
            WriteObject(bus);
    }
}

/// <summary>
/// Starts the workers of a bus that New-StdioBus -NoStart, or a builder, has made; done when they run. A bus starts once: one
/// that was stopped is made anew.
/// </summary>
[Cmdlet(VerbsLifecycle.Start, "StdioBus", SupportsShouldProcess = true)]
[OutputType(typeof(void), typeof(Bus))]
public sealed class StartStdioBusCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The longest the start may take: a TimeSpan or seconds; 0 or Infinite, the default, for no limit. When it has passed the bus is stopped.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Writes the bus.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        if (!ShouldProcess(bus.Name, "Start the bus"))
            return;

        try
        {
            Start(bus);
        }
        catch (StdioBusException error)
        {
            FailInput(BusErrors.CannotStart(error, bus));
            return;
        }

        if (PassThru)
            WriteObject(bus);
    }

    private void Start(Bus bus)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        if (Timeout is TimeSpan limit && limit != System.Threading.Timeout.InfiniteTimeSpan)
            deadline.CancelAfter(limit);

        try
        {
            WaitFor(bus.StartAsync(deadline.Token), WatchLog(bus), bus);
        }
        catch (OperationCanceledException error) when (!Cancellation.IsCancellationRequested)
        {
            throw new BusTimeoutException($"The bus '{bus.Name}' did not start within {Timeout}{(bus.State == BusState.Created ? "" : "; it was stopped")}.", error);
        }
    }
}

/// <summary>
/// Stops a bus in an orderly way: requests that wait fail, what was sent is written, the workers end. What is left of the
/// bus, its statistics and log, can be looked at until Remove-StdioBus. Stopping one that is stopped does nothing.
/// </summary>
[Cmdlet(VerbsLifecycle.Stop, "StdioBus", SupportsShouldProcess = true)]
[OutputType(typeof(void), typeof(Bus))]
public sealed class StopStdioBusCommand : BusCmdlet
{
    private readonly List<(Bus Bus, Task End)> _ends = [];
    private LogLines? _log;

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>
    /// The longest the workers may take, then they are killed: a TimeSpan or seconds, rounded up to whole ones; 0 or Infinite
    /// for no limit. Default: the limit DrainTimeout for what clients wait for, then three seconds for the workers.
    /// </summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Writes the bus once it is stopped.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.Resolve(Bus);
        if (!ShouldProcess(bus.Name, "Stop the bus"))
            return;

        // Several buses end side by side.
        _log ??= WatchLog(bus);
        _ends.Add((bus, bus.StopAsync(Timeout, Cancellation)));
    }

    private protected override void End()
    {
        foreach ((Bus bus, Task end) in _ends)
        {
            WaitFor(end, _log);
            if (PassThru)
                WriteObject(bus);
        }
    }
}

/// <summary>
/// Stops a bus and frees all it holds. Requests in flight and workers may end within the drain timeout first. Removing one
/// that is gone already does nothing.
/// </summary>
[Cmdlet(VerbsCommon.Remove, "StdioBus", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveStdioBusCommand : BusCmdlet
{
    private readonly List<Task> _removals = [];
    private LogLines? _log;

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>Ends the workers at once; requests in flight fail.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.Resolve(Bus);
        if (!ShouldProcess(bus.Name, Force ? "Remove the bus without draining" : "Remove the bus"))
            return;

        // Several buses end side by side.
        _log ??= WatchLog(bus);
        _removals.Add(Force ? BusRemoval.KillAsync(bus) : BusRemoval.StopAsync(bus));
    }

    private protected override void End() => WaitFor(Task.WhenAll(_removals), _log);
}
