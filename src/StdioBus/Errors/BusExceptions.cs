namespace StdioBus;

/// <summary>A parameter or the configuration is wrong.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusInvalidArgumentException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.InvalidArgument, message, innerException);

/// <summary>The bus does not run, runs already, or was removed.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusInvalidStateException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.InvalidState, message, innerException);

/// <summary>A total or idle deadline passed.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusTimeoutException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.Timeout, message, innerException)
{
    /// <summary>Whether it was the idle deadline.</summary>
    internal bool IsIdle { get; init; }
}

/// <summary>The call was ended by someone other than its caller.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusCancelledException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.Cancelled, message, innerException);

/// <summary>A worker or the kernel died, or the bus is shutting down.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusTransportException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.TransportError, message, innerException);

/// <summary>The handshake was refused.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusNegotiationException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.NegotiationFailed, message, innerException);

/// <summary>Refused by policy.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusPolicyException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.PolicyDenied, message, innerException);

/// <summary>No worker of the pool is alive, or what the backend needs is not there.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusUnavailableException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.Unavailable, message, innerException);

/// <summary>A queue, table or message limit was reached.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusResourceException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.ResourceExhausted, message, innerException);

/// <summary>This backend or worker cannot do it.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusNotSupportedException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.NotSupported, message, innerException);

/// <summary>Anything else; of error codes of a worker that have no name here, see <see cref="BusRpcException"/>.</summary>
/// <param name="message">What, where, and what was expected.</param>
/// <param name="innerException">The cause, if it is known.</param>
public sealed class BusInternalException(string message, Exception? innerException = null)
    : StdioBusException(BusErrorCode.Internal, message, innerException);

/// <summary>
/// The worker answered with an error of its own, under a code that has no name here: see <see cref="StdioBusException.RpcCode"/>
/// and <see cref="StdioBusException.RpcData"/>. Its <see cref="StdioBusException.Code"/> is Internal.
/// </summary>
/// <param name="message">The worker's message.</param>
public sealed class BusRpcException(string message)
    : StdioBusException(BusErrorCode.Internal, message, null);
