using System.Management.Automation;
using System.Reflection;

namespace StdioBus.Module.Tests.Engine;

/// <summary>
/// Select-Object -First for the engine without its Utility module. It ends the commands before it exactly as the real one
/// does, by an exception that is the engine's own and not public; so it is reached by reflection, here in the tests alone.
/// </summary>
[Cmdlet(VerbsCommon.Select, "Object")]
public sealed class SelectFirstStandIn : PSCmdlet
{
    private static readonly ConstructorInfo StopUpstream = typeof(PSObject).Assembly
        .GetType("System.Management.Automation.StopUpstreamCommandsException", throwOnError: true)!
        .GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        .Single(constructor => constructor.GetParameters().Length == 1);

    private int _seen;

    [Parameter(Mandatory = true)]
    public int First { get; set; }

    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    protected override void ProcessRecord()
    {
        WriteObject(InputObject);
        if (++_seen == First)
            throw (Exception)StopUpstream.Invoke([this]);
    }
}
