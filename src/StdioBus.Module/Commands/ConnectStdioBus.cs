using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Shakes hands with an agent: asks for a version of the protocol and for extensions, and writes what both agreed to. The
/// session that the agent gives becomes the AgentSessionId of the bus. A bus that was not started is started first.
/// </summary>
[Cmdlet(VerbsCommunications.Connect, "StdioBus", SupportsShouldProcess = true)]
[OutputType(typeof(HelloResult))]
public sealed class ConnectStdioBusCommand : BusCmdlet
{
    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The pool whose agent is meant. May be left out where the bus has only one.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string? Pool { get; set; }

    /// <summary>The version of the protocol that is asked for. Default: 0.1.0.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string ProtocolVersion { get; set; } = new HelloParams().ProtocolVersion;

    /// <summary>
    /// The extensions that are asked for: their names, or a hashtable of names and versions. For one without which the
    /// handshake is to fail the version is a hashtable: @{ audit = @{ Version = '1.0'; Required = $true } }.
    /// </summary>
    [Parameter]
    [HelloExtensions]
    [ValidateNotNull]
    public Dictionary<string, HelloExtension> Extension { get; set; } = [];

    /// <summary>The longest the handshake may take: a TimeSpan or seconds; 0 or Infinite for no limit. Default: the timeout of the bus.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    private protected override void Process()
    {
        Bus bus = BusResolution.ResolveOpen(Bus);
        BusResolution.CheckPool(bus, Pool);
        bool starts = bus.State == BusState.Created;
        if (!starts)
            BusResolution.ResolveRunning(bus);

        if (!ShouldProcess(bus.Name, starts ? "Start the bus and shake hands" : "Shake hands"))
            return;

        HelloResult result;
        try
        {
            result = ShakeHands(bus, starts);
        }
        catch (StdioBusException error)
        {
            FailInput(starts ? BusErrors.CannotStart(error, bus) : BusErrors.From(error, bus));
            return;
        }

        WriteObject(result);
    }

    private HelloResult ShakeHands(Bus bus, bool starts)
    {
        LogLines? log = WatchLog(bus);
        if (starts)
            WaitFor(bus.StartAsync(Cancellation), log, bus);

        var parameters = new HelloParams { ProtocolVersion = ProtocolVersion, Extensions = Extension };
        Task<HelloResult> hello = bus.HelloAsync(parameters, new RequestOptions { Pool = Pool, Timeout = Timeout }, Cancellation);
        WaitFor(hello, log, bus);
        return hello.Result;
    }
}
