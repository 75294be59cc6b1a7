using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Tests.Engine;

/// <summary>Waits for a bus as the commands do, when there is nothing to wait for any more: its answer was quicker than they are.</summary>
[Cmdlet(VerbsLifecycle.Wait, "DoneWork")]
public sealed class WaitForDoneWorkCommand : BusCmdlet
{
    [Parameter(Mandatory = true)]
    public Bus? Bus { get; set; }

    private protected override void Process() => WaitFor(Task.CompletedTask, log: null, Bus);
}
