namespace StdioBus;

/// <summary>The codes of JSON-RPC errors that the kernel makes, and those that JSON-RPC 2.0 names.</summary>
internal static class RpcErrorCode
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;
    public const int RequestCancelled = -32800;
    public const int NoWorker = -32001;
    public const int WorkerExited = -32002;
    public const int LimitReached = -32003;
    public const int ShuttingDown = -32004;

    /// <summary>The class of an error that the kernel made.</summary>
    public static BusErrorCode OfKernel(int code) => code switch
    {
        NoWorker => BusErrorCode.Unavailable,
        WorkerExited or ShuttingDown => BusErrorCode.TransportError,
        LimitReached => BusErrorCode.ResourceExhausted,
        MethodNotFound => BusErrorCode.NotSupported,
        InvalidParams or InvalidRequest or ParseError => BusErrorCode.InvalidArgument,
        _ => BusErrorCode.Internal,
    };

    /// <summary>The class of an error that a worker answered: 1 to 10 are names, anything else is Internal.</summary>
    public static BusErrorCode OfWorker(int code) =>
        code is >= (int)BusErrorCode.InvalidArgument and <= (int)BusErrorCode.NotSupported
            ? (BusErrorCode)code
            : BusErrorCode.Internal;
}
