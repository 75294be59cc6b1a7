namespace StdioBus;

/// <summary>
/// Options of a bus that is reached over a socket: a daemon that runs already. The bus's configuration is to have the
/// daemon's pools, in its order; their commands are not run.
/// </summary>
public sealed class SocketOptions
{
    /// <summary>The address or name of its TCP listener; with <see cref="Port"/>.</summary>
    public string? Host { get; set; }

    /// <summary>The port of its TCP listener, 1 to 65535.</summary>
    public int? Port { get; set; }

    /// <summary>The path of its Unix socket, in place of host and port.</summary>
    public string? UnixPath { get; set; }

    /// <summary>The access token that its TCP listener asks for, 1 to 1,024 bytes of UTF-8: over TCP a daemon admits no bus without. Does not apply to a Unix socket.</summary>
    public string? AccessToken { get; set; }

    /// <summary>
    /// Whether a connection that was lost is made again: tried after 100 ms, then after twice as long each time up to 5 s,
    /// until the bus is stopped. What waited fails with a TransportError, and so does what is sent before the connection is
    /// there (see <see cref="Bus.IsConnected"/>); then calls work again, and subscriptions and handlers go on as they were. A
    /// daemon that refuses the token, or has other pools by then, ends the bus. Off by default: the bus stops when the
    /// connection is lost.
    /// </summary>
    public bool Reconnect { get; set; }

    internal SocketOptions Copy() => (SocketOptions)MemberwiseClone();

    internal SocketOptions Checked()
    {
        if (UnixPath is { } path)
        {
            if (Host is not null || Port is not null)
                throw new BusInvalidArgumentException($"{nameof(UnixPath)}: a host and a port do not apply to a Unix socket.");
            if (path.Length == 0 || path.Contains('\0'))
                throw new BusInvalidArgumentException($"{nameof(UnixPath)}: expected a path that is not empty and has no NUL character.");
            if (AccessToken is not null)
                throw new BusInvalidArgumentException($"{nameof(AccessToken)}: does not apply to a Unix socket, which admits the same user only.");
            return this;
        }

        if (string.IsNullOrEmpty(Host) || Host.Contains('\0'))
            throw new BusInvalidArgumentException($"{nameof(Host)}: expected an address or a name, with {nameof(Port)}, or {nameof(UnixPath)} in their place.");
        if (Port is not (>= 1 and <= 65535))
            throw new BusInvalidArgumentException($"{nameof(Port)}: expected a port from 1 to 65535, got {Port?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}.");
        if (AccessToken is { } token)
            ListenerOptions.CheckToken(token);
        return this;
    }
}
