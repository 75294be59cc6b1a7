using System.Globalization;
using System.Net;
using System.Text;

namespace StdioBus;

/// <summary>Checks where a bus is to listen, and who may come.</summary>
internal static class ListenerOptions
{
    private const int MostTokenBytes = 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Does nothing when the listener of these options can be opened, as far as can be told before.</summary>
    /// <exception cref="BusInvalidArgumentException">An option is out of its range, missing, or does not apply.</exception>
    /// <exception cref="BusPolicyException">The listener could be reached by other machines, and that is not allowed.</exception>
    public static void Check(NativeOptions options)
    {
        switch (options.ListenMode)
        {
            case ListenMode.None:
                if (options.TcpHost is not null || options.TcpPort is not null || options.UnixPath is not null)
                    throw new BusInvalidArgumentException($"{nameof(options.ListenMode)}: an address is given, but no way to listen; set it to Tcp or Unix.");
                RefuseAccess(options, "without a listener");
                break;
            case ListenMode.Tcp:
                CheckTcp(options);
                break;
            case ListenMode.Unix:
                if (options.TcpHost is not null || options.TcpPort is not null)
                    throw new BusInvalidArgumentException($"{(options.TcpPort is null ? nameof(options.TcpHost) : nameof(options.TcpPort))}: a host and a port do not apply to a Unix socket.");
                if (string.IsNullOrEmpty(options.UnixPath) || options.UnixPath.Contains('\0'))
                    throw new BusInvalidArgumentException($"{nameof(options.UnixPath)}: required for a Unix socket, a path without NUL character.");
                RefuseAccess(options, "to a Unix socket, which admits the same user only");
                break;
            default:
                throw new BusInvalidArgumentException($"{nameof(options.ListenMode)}: expected None, Tcp or Unix, got {(int)options.ListenMode}.");
        }
    }

    private static void CheckTcp(NativeOptions options)
    {
        if (options.UnixPath is not null)
            throw new BusInvalidArgumentException($"{nameof(options.UnixPath)}: does not apply to a TCP listener.");
        if (options.TcpPort is not (>= 0 and <= 65535))
            throw new BusInvalidArgumentException($"{nameof(options.TcpPort)}: expected a port from 0 (the system chooses) to 65535, got {options.TcpPort?.ToString(CultureInfo.InvariantCulture) ?? "none"}.");
        if (options.TcpHost is { } host && (host.Length == 0 || host.Contains('\0')))
            throw new BusInvalidArgumentException($"{nameof(options.TcpHost)}: expected an address or a name that is not empty and has no NUL character.");
        if (options.AccessToken is { } token)
            CheckToken(token);
        if (IsLoopback(options.TcpHost))
            return;
        if (!options.AllowRemote)
            throw new BusPolicyException($"{nameof(options.TcpHost)}: '{options.TcpHost}' may be reached from other machines, which {nameof(options.AllowRemote)} has to allow; without it the listener may be on 127.0.0.1, ::1 or localhost only.");
        if (options.AccessToken is null)
            throw new BusPolicyException($"{nameof(options.AccessToken)}: required, because '{options.TcpHost}' may be reached from other machines.");
    }

    // A name may stand for any address, now or at the start; only this one always stands for a loopback address.
    private static bool IsLoopback(string? host) =>
        host is null
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>Does nothing when the text can be an access token.</summary>
    public static void CheckToken(string token)
    {
        int bytes;
        try
        {
            bytes = Strict.GetByteCount(token);
        }
        catch (EncoderFallbackException error)
        {
            throw new BusInvalidArgumentException($"{nameof(NativeOptions.AccessToken)}: expected valid Unicode text; it has half a surrogate pair.", error);
        }

        if (bytes is < 1 or > MostTokenBytes || token.Contains('\0'))
            throw new BusInvalidArgumentException($"{nameof(NativeOptions.AccessToken)}: expected a text of 1 to {MostTokenBytes} bytes of UTF-8 without NUL character, got {bytes} bytes.");
    }

    private static void RefuseAccess(NativeOptions options, string where)
    {
        string? misplaced = options.AccessToken is not null ? nameof(options.AccessToken) : options.AllowRemote ? nameof(options.AllowRemote) : null;
        if (misplaced is not null)
            throw new BusInvalidArgumentException($"{misplaced}: does not apply {where}.");
    }
}
