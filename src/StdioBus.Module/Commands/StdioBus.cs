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
    public object? Bus { get; set; }

    /// <summary>Writes the bus.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(this, Bus);
        RunspaceBuses.Here.Select(bus);
        if (PassThru)
            WriteObject(bus);
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
    public object? Bus { get; set; }

    /// <summary>Ends the workers at once; requests in flight fail.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.Resolve(this, Bus);
        if (!ShouldProcess(bus.Name, Force ? "Remove the bus without draining" : "Remove the bus"))
            return;

        // Several buses end side by side.
        _log ??= WatchLog(bus);
        _removals.Add(Force ? BusRemoval.KillAsync(bus) : BusRemoval.StopAsync(bus));
    }

    private protected override void End() => WaitFor(Task.WhenAll(_removals), _log);
}
