using System.Net;
using System.Net.Sockets;
using System.Text;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Listeners, and who may come.</summary>
public sealed class ListenerTests
{
    private const string Auth = """{"jsonrpc":"2.0","id":1,"method":"stdio_bus/auth","params":{"token":"TOKEN"}}""";

    private static BusOptions Options(NativeOptions native)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Native = native;
        return options;
    }

    // The lines that come back, until there are so many or the connection is closed.
    private static async Task<string[]> TalkAsync(string endpoint, int answers, params string[] lines)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(endpoint)).Soon();
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))).AsTask().Soon();
        using var reader = new StreamReader(stream);
        var received = new List<string>();
        while (received.Count < answers && await reader.ReadLineAsync().Soon() is { } line)
            received.Add(line);
        return [.. received];
    }

    [Fact(DisplayName = "A25: clients of a listener with a token must show it first, and are served then")]
    public async Task Clients_must_show_the_token()
    {
        await using Bus bus = await TestWorkers.StartAsync(Options(new NativeOptions { ListenMode = ListenMode.Tcp, TcpPort = 0, AccessToken = "sesam öffne dich" }));
        const string Request = """{"jsonrpc":"2.0","id":2,"method":"echo","params":{"a":1}}""";
        string[] answers = await TalkAsync(bus.ListenEndpoint!, 2, Auth.Replace("TOKEN", "sesam öffne dich", StringComparison.Ordinal), Request);
        Assert.Contains("\"version\"", answers[0], StringComparison.Ordinal);
        Assert.Contains("""{"a":1}""", answers[1], StringComparison.Ordinal);
        foreach (string first in new[] { Request, Auth.Replace("TOKEN", "sesam", StringComparison.Ordinal) })
            Assert.Contains("Not authorized", Assert.Single(await TalkAsync(bus.ListenEndpoint!, 2, first, Request)), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A25: with leave and a token a listener may be where other machines reach it")]
    public async Task A_remote_listener_takes_leave_and_a_token()
    {
        var native = new NativeOptions { ListenMode = ListenMode.Tcp, TcpHost = "0.0.0.0", TcpPort = 0, AllowRemote = true, AccessToken = "t" };
        await using Bus bus = await TestWorkers.StartAsync(Options(native));
        Assert.StartsWith("0.0.0.0:", bus.ListenEndpoint, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A25: an address that other machines may reach is refused without leave, and without a token")]
    [InlineData("0.0.0.0", false, "t", "AllowRemote")]
    [InlineData("::", false, "t", "AllowRemote")]
    [InlineData("build.example", false, null, "AllowRemote")]
    [InlineData("10.0.0.1", true, null, "AccessToken")]
    [InlineData("build.example", true, null, "AccessToken")]
    public void A_remote_listener_is_refused(string host, bool allowed, string? token, string missing)
    {
        var native = new NativeOptions { ListenMode = ListenMode.Tcp, TcpHost = host, TcpPort = 0, AllowRemote = allowed, AccessToken = token };
        string message = Assert.Throws<BusPolicyException>(() => new Bus(Options(native))).Message;
        Assert.Contains(missing, message, StringComparison.Ordinal);
        Assert.Contains(host, message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A25: a loopback address needs neither")]
    [InlineData(null)]
    [InlineData("127.0.0.2")]
    [InlineData("localhost")]
    public async Task A_loopback_address_needs_neither(string? host)
    {
        await using Bus bus = await TestWorkers.StartAsync(Options(new NativeOptions { ListenMode = ListenMode.Tcp, TcpHost = host, TcpPort = 0 }));
        Assert.True(IPAddress.IsLoopback(IPEndPoint.Parse(bus.ListenEndpoint!).Address));
    }
}
