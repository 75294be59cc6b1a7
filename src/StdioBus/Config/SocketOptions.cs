namespace StdioBus;

/// <summary>Options of a bus that is reached over a socket: a daemon that runs already.</summary>
public sealed class SocketOptions
{
    /// <summary>The address or name of its TCP listener; with <see cref="Port"/>.</summary>
    public string? Host { get; set; }

    /// <summary>The port of its TCP listener, 1 to 65535.</summary>
    public int? Port { get; set; }

    /// <summary>The path of its Unix socket, in place of host and port.</summary>
    public string? UnixPath { get; set; }

    /// <summary>The access token that its TCP listener asks for; null for none.</summary>
    public string? AccessToken { get; set; }

    /// <summary>Whether a lost connection is made again. Requests that waited fail either way. Off by default.</summary>
    public bool Reconnect { get; set; }

    internal SocketOptions Copy() => (SocketOptions)MemberwiseClone();
}
