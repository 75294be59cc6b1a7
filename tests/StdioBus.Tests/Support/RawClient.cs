using System.Net;
using System.Net.Sockets;
using System.Text;

namespace StdioBus.Tests.Support;

/// <summary>A client of a listener that behaves as badly as a test wants it to.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;
    private readonly StringBuilder _received = new();

    /// <summary>Connects to "127.0.0.1:9000" or to the path of a Unix socket.</summary>
    public RawClient(string endpoint)
    {
        _socket = Connect(endpoint);
        _socket.Blocking = false;
    }

    /// <summary>A connection to such an endpoint.</summary>
    public static Socket Connect(string endpoint)
    {
        EndPoint address = IPEndPoint.TryParse(endpoint, out IPEndPoint? tcp) ? tcp : new UnixDomainSocketEndPoint(endpoint);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(address);
        return socket;
    }

    /// <summary>Writes what the socket takes without waiting; says how many bytes that was.</summary>
    public int Push(ReadOnlySpan<byte> bytes)
    {
        int sent = _socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error == SocketError.Success ? sent : 0;
    }

    /// <summary>The same, of text.</summary>
    public int Push(string text) => Push(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads what is there; whether the other side has ended the connection.</summary>
    public bool IsEnded()
    {
        byte[] block = new byte[65_536];
        while (true)
        {
            int count = _socket.Receive(block, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                return false;
            if (count == 0 || error != SocketError.Success)
                return true;
            _received.Append(Encoding.UTF8.GetString(block, 0, count));
        }
    }

    /// <summary>What was read so far.</summary>
    public string Received => _received.ToString();

    public void Dispose() => _socket.Dispose();
}
