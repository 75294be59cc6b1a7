namespace StdioBus;

/// <summary>Thrown by a handler of workers' requests to answer with an error of its choice.</summary>
/// <param name="code">The JSON-RPC error's code.</param>
/// <param name="message">Its message.</param>
/// <param name="data">Its data, one JSON value; null for none.</param>
public sealed class JsonRpcErrorException(int code, string message, RawJson? data = null) : Exception(message)
{
    /// <summary>The JSON-RPC error's code.</summary>
    public int Code { get; } = code;

    /// <summary>Its data; null for none.</summary>
    public RawJson? ErrorData { get; } = data;
}
