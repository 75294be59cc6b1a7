namespace StdioBus;

/// <summary>The base of every error of a bus. Its class follows from <see cref="Code"/>; a worker's own error has one more, <see cref="BusRpcException"/>.</summary>
public abstract class StdioBusException : Exception
{
    private protected StdioBusException(BusErrorCode code, string message, Exception? innerException)
        : base(message, innerException)
    {
        Code = code;
    }

    /// <summary>What kind of thing went wrong.</summary>
    public BusErrorCode Code { get; }

    /// <summary>More than the message says, such as the last lines a worker wrote to stderr; null when there is nothing.</summary>
    public string? Details { get; internal set; }

    /// <summary>
    /// Whether the same call may succeed when made again: true for Timeout, Unavailable and ResourceExhausted, and
    /// for a TransportError whose request had not been written to a worker.
    /// </summary>
    public bool IsRetryable => Code switch
    {
        BusErrorCode.Timeout or BusErrorCode.Unavailable or BusErrorCode.ResourceExhausted => true,
        BusErrorCode.TransportError => WasWritten == false,
        _ => false,
    };

    /// <summary>Whether the request had been written to a worker; null when that is not known or does not apply.</summary>
    public bool? WasWritten { get; internal set; }

    /// <summary>The code of the JSON-RPC error this came from; null when there was none.</summary>
    public int? RpcCode { get; internal set; }

    /// <summary>The <c>data</c> of the JSON-RPC error this came from, byte for byte; null when there was none.</summary>
    public RawJson? RpcData { get; internal set; }

    /// <summary>The method of the request that failed, where there is one.</summary>
    public string? Method { get; internal set; }

    /// <summary>The pool concerned, where it is known.</summary>
    public string? Pool { get; internal set; }

    /// <summary>The worker concerned, where it is known.</summary>
    public int? WorkerId { get; internal set; }

    /// <summary>
    /// Whether the worker that held the request ended before it answered. <see cref="Details"/> then has the end of
    /// its stderr, when it wrote any.
    /// </summary>
    public bool IsWorkerExit => RpcCode == RpcErrorCode.WorkerExited && Code == BusErrorCode.TransportError;
}
