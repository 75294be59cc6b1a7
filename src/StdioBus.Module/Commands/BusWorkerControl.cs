using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Ends workers and starts them anew; done when the new processes run. One that had failed, or was stopped, gets a new
/// chance. Requests in flight there fail.
/// </summary>
[Cmdlet(VerbsLifecycle.Restart, "BusWorker", DefaultParameterSetName = "Id", SupportsShouldProcess = true)]
[OutputType(typeof(void), typeof(BusWorker))]
public sealed class RestartBusWorkerCommand : WorkerControlCmdlet
{
    private protected override string Action => Force ? "Kill and restart" : "Restart";

    private protected override Task RunAsync(Bus bus, int workerId) => bus.RestartWorkerAsync(workerId, Force, Cancellation);
}

/// <summary>
/// Ends workers for good; done when their processes are gone. Restart-BusWorker brings them back. Requests in flight there
/// fail; other workers of the pool go on.
/// </summary>
[Cmdlet(VerbsLifecycle.Stop, "BusWorker", DefaultParameterSetName = "Id", SupportsShouldProcess = true)]
[OutputType(typeof(void), typeof(BusWorker))]
public sealed class StopBusWorkerCommand : WorkerControlCmdlet
{
    private protected override string Action => Force ? "Kill" : "Stop";

    private protected override Task RunAsync(Bus bus, int workerId) => bus.StopWorkerAsync(workerId, Force, Cancellation);
}
