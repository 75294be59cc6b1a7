using System.Management.Automation;
using StdioBus.Module.Handlers;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Answers the requests that workers send with a script block, from now on. The block gets the request as $_ and as its first
/// argument; what it writes is the result, and what it throws is the error. It runs in a runspace of its own, several at
/// once, and sees $using: variables but not the functions of its surroundings.
/// </summary>
[Cmdlet(VerbsLifecycle.Register, "BusHandler")]
[OutputType(typeof(BusHandler))]
public sealed class RegisterBusHandlerCommand : BusCmdlet
{
    /// <summary>The methods to answer; * and ? are wildcards, and case matters.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [MethodName]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(WorkerRequestMethodCompleter))]
    public string Method { get; set; } = "";

    /// <summary>What answers. A JsonRpcErrorException thrown in it, or a hashtable with code and message and perhaps data, is answered as it says, anything else with the error −32603 and its message.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNull]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>Answers workers of this pool only.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string? Pool { get; set; }

    /// <summary>Arguments for the script block, after the request.</summary>
    [Parameter]
    [Alias("Args")]
    [AllowNull]
    [AllowEmptyCollection]
    public object?[] ArgumentList { get; set; } = [];

    /// <summary>Makes ordered, case-sensitive dictionaries of JSON objects in the request's params instead of custom objects.</summary>
    [Parameter]
    public SwitchParameter AsHashtable { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        if (bus.State is BusState.Stopping or BusState.Stopped)
            throw new CommandFailedException(BusErrors.NotRunning(bus, removed: false));

        BusResolution.CheckPool(bus, Pool);
        WriteObject(ScriptHandler.Register(
            this, bus, Method, Pool, ScriptBlock, ArgumentList ?? [], AsHashtable ? PowerShellJsonReader.Hashtables : PowerShellJsonReader.Objects));
    }
}

/// <summary>Lists the handlers of a bus, those registered by other means included.</summary>
[Cmdlet(VerbsCommon.Get, "BusHandler")]
[OutputType(typeof(BusHandler))]
public sealed class GetBusHandlerCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>Those whose method is like this, as it was registered; wildcards are allowed. Default: all.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(WorkerRequestMethodCompleter))]
    public string[] Method { get; set; } = ["*"];

    /// <summary>Those for exactly these pools. Default: all.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string[]? Pool { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        foreach (string pool in Pool ?? [])
            BusResolution.CheckPool(bus, pool);

        WildcardPattern[] patterns = [.. Method.Select(one => WildcardPattern.Get(one, WildcardOptions.None))];
        foreach (BusHandler handler in bus.Handlers)
        {
            if (patterns.Any(one => one.IsMatch(handler.Method)) && (Pool is null || Pool.Contains(handler.Pool, StringComparer.Ordinal)))
                WriteObject(handler);
        }
    }
}

/// <summary>Ends handlers. Requests that they have are still answered; new ones are not theirs any more.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "BusHandler")]
[OutputType(typeof(void))]
public sealed class UnregisterBusHandlerCommand : BusCmdlet
{
    /// <summary>The handlers to end.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public BusHandler[] Handler { get; set; } = [];

    private protected override void Process()
    {
        foreach (BusHandler handler in Handler)
            ScriptHandler.Unregister(handler);
    }
}
