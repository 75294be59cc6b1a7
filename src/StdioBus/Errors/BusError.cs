namespace StdioBus;

/// <summary>Makes the exception whose class belongs to a code.</summary>
internal static class BusError
{
    /// <summary>The error of a code; numbers without a name give Internal.</summary>
    public static StdioBusException Create(BusErrorCode code, string message, Exception? cause = null) => code switch
    {
        BusErrorCode.InvalidArgument => new BusInvalidArgumentException(message, cause),
        BusErrorCode.InvalidState => new BusInvalidStateException(message, cause),
        BusErrorCode.Timeout => new BusTimeoutException(message, cause),
        BusErrorCode.Cancelled => new BusCancelledException(message, cause),
        BusErrorCode.TransportError => new BusTransportException(message, cause),
        BusErrorCode.NegotiationFailed => new BusNegotiationException(message, cause),
        BusErrorCode.PolicyDenied => new BusPolicyException(message, cause),
        BusErrorCode.Unavailable => new BusUnavailableException(message, cause),
        BusErrorCode.ResourceExhausted => new BusResourceException(message, cause),
        BusErrorCode.NotSupported => new BusNotSupportedException(message, cause),
        _ => new BusInternalException(message, cause),
    };
}
