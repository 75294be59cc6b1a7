using System.Net.Sockets;

namespace StdioBus;

/// <summary>Connections to the listener of a daemon.</summary>
internal static class DaemonSocket
{
    /// <summary>Connects over TCP.</summary>
    /// <exception cref="StdioBusException">It cannot be reached; the message says where and why.</exception>
    public static Task<Socket> ConnectAsync(string host, int port, string where, TimeSpan patience, CancellationToken cancellationToken) =>
        ConnectAsync(() => new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, (socket, token) => socket.ConnectAsync(host, port, token), where, patience, cancellationToken);

    /// <summary>Connects to a Unix socket.</summary>
    /// <exception cref="StdioBusException">It cannot be reached; the message says where and why.</exception>
    public static Task<Socket> ConnectAsync(string path, string where, TimeSpan patience, CancellationToken cancellationToken) =>
        ConnectAsync(() => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), (socket, token) => socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token), where, patience, cancellationToken);

    /// <summary>The streams of a connection. The socket is still the caller's.</summary>
    public static DaemonLink Link(Socket socket)
    {
        var stream = new NetworkStream(socket, ownsSocket: false);
        return new DaemonLink(stream, stream, () => socket.Shutdown(SocketShutdown.Send));
    }

    /// <summary>Shows the daemon a token.</summary>
    /// <exception cref="StdioBusException">It does not admit who shows it.</exception>
    public static async Task AuthenticateAsync(DaemonConnection connection, string token)
    {
        var text = new ByteBuffer();
        JsonStrings.Write(text, token);
        string parameters = $"{{\"token\":{System.Text.Encoding.UTF8.GetString(text.Written)}}}";
        text.Release();
        await connection.AskAsync("auth", parameters).ConfigureAwait(false);
    }

    private static async Task<Socket> ConnectAsync(Func<Socket> make, Func<Socket, CancellationToken, ValueTask> connect, string where, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        Socket? socket = null;
        try
        {
            // A system may have no sockets of this kind.
            socket = make();
            await connect(socket, limit.Token).ConfigureAwait(false);
            return socket;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw error is OperationCanceledException
                ? new BusTimeoutException($"{where} could not be reached within {patience.TotalSeconds} s.", error)
                : new BusUnavailableException($"{where} cannot be reached: {error.Message}.", error);
        }
    }
}
