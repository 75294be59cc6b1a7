namespace StdioBus;

/// <summary>What a kernel tells, on its loop thread.</summary>
internal interface IKernelEvents
{
    /// <summary>A line for the host.</summary>
    void OnMessage(in IncomingMessage message);

    /// <summary>A request that was forgotten is over.</summary>
    void OnSettled(ulong cookie);

    /// <summary>A worker's process came or went.</summary>
    void OnWorker(int workerId, WorkerEvent change);

    /// <summary>The first line that a worker's process wrote to stdout and that is no message.</summary>
    void OnSkipped(int workerId, string reason, string line);

    /// <summary>A line of the kernel's log, or of a worker's stderr.</summary>
    void OnLog(BusLogLevel level, int? workerId, string text);

    /// <summary>A defect on this side that must not reach the kernel.</summary>
    void OnFault(Exception error);
}
