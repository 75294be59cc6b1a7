namespace StdioBus;

/// <summary>The kernel's return codes that mean something to this side.</summary>
internal static class KernelCode
{
    public const int Ok = 0;
    public const int Error = -1;
    public const int Full = -4;
    public const int NotFound = -5;
    public const int InvalidArgument = -6;
    public const int Config = -10;
    public const int Worker = -11;
    public const int Routing = -12;
    public const int Buffer = -13;
    public const int Invalid = -14;
    public const int State = -15;

    /// <summary>What a code says, where the kernel gave no reason.</summary>
    public static string Text(int code) => code switch
    {
        Full => "a queue is full",
        NotFound => "there is no such worker",
        InvalidArgument => "an argument is invalid",
        Routing => "nobody can take it",
        Invalid => "it is not one valid JSON object",
        State => "the bus is not running",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"code {code}"),
    };

    /// <summary>The error of a message that the kernel did not take.</summary>
    public static StdioBusException OfSend(int code, string detail)
    {
        BusErrorCode kind = code switch
        {
            Full or Buffer => BusErrorCode.ResourceExhausted,
            Routing => BusErrorCode.Unavailable,
            Invalid or InvalidArgument => BusErrorCode.InvalidArgument,
            NotFound => BusErrorCode.Unavailable,
            State => BusErrorCode.TransportError,
            _ => BusErrorCode.Internal,
        };
        StdioBusException error = BusError.Create(kind, $"The kernel did not take the message: {detail}");
        error.WasWritten = false;
        return error;
    }
}
