namespace StdioBus;

/// <summary>What kind of thing went wrong; each has its own exception class.</summary>
public enum BusErrorCode
{
    /// <summary>A parameter or the configuration is wrong; the message names which and what was expected.</summary>
    InvalidArgument = 1,

    /// <summary>The bus does not run, runs already, or was removed.</summary>
    InvalidState = 2,

    /// <summary>A total or idle deadline passed.</summary>
    Timeout = 3,

    /// <summary>The call was ended by someone else.</summary>
    Cancelled = 4,

    /// <summary>A worker or the kernel died, or the bus is shutting down.</summary>
    TransportError = 5,

    /// <summary>The handshake was refused: version, or a required extension.</summary>
    NegotiationFailed = 6,

    /// <summary>Refused by policy.</summary>
    PolicyDenied = 7,

    /// <summary>No worker of the pool is alive, or what the backend needs is not there.</summary>
    Unavailable = 8,

    /// <summary>A queue, table or message limit was reached.</summary>
    ResourceExhausted = 9,

    /// <summary>This backend or worker cannot do it.</summary>
    NotSupported = 10,

    /// <summary>Anything else, and error codes of a worker that have no name here.</summary>
    Internal = 99,
}
