using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>A bus with a listener serves its own callers, and clients that behave, whatever other clients do.</summary>
public sealed class HostileClientTests : IDisposable
{
    private const string Token = "sesam öffne dich";
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-hostile-").FullName;
    private int _asked;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>What a client says first that is not let in.</summary>
    public static TheoryData<string> FirstWords => new()
    {
        Auth("sesam") + "\n",
        """{"jsonrpc":"2.0","id":1,"method":"echo"}""" + "\n",
        Auth(new string('x', 100_000)) + "\n",
        new string('x', 100_000),
        Auth(Token), // no newline, and so too late
        "",
    };

    [Theory(DisplayName = "Clients without the right token, with none, one too long or none in time are turned away, and the others served")]
    [MemberData(nameof(FirstWords))]
    public async Task Strangers_are_turned_away(string firstWords)
    {
        await using Bus bus = await TestWorkers.StartAsync(Options(new NativeOptions { ListenMode = ListenMode.Tcp, TcpPort = 0, AccessToken = Token }));
        int port = int.Parse(bus.ListenEndpoint!.Split(':')[^1], CultureInfo.InvariantCulture);
        await using Bus client = await ConnectAsync(new SocketOptions { Host = "127.0.0.1", Port = port, AccessToken = Token });
        RawClient[] strangers = [.. Enumerable.Range(0, 20).Select(_ => new RawClient(bus.ListenEndpoint!))];
        foreach (RawClient stranger in strangers)
            stranger.Push(firstWords);
        await UntilServed(() => strangers.All(stranger => stranger.IsEnded()), bus, client);
        Assert.All(strangers, stranger => Assert.Contains("Not authorized", stranger.Received, StringComparison.Ordinal));
        Assert.Equal((1, 1), (bus.ClientCount, bus.Statistics.ClientConnects));
        Assert.Equal(20, bus.GetLog().Count(line => line.Text.Contains("was turned away", StringComparison.Ordinal)));
        Assert.DoesNotContain(bus.GetLog(), line => line.Text.Contains(Token, StringComparison.Ordinal));
        Array.ForEach(strangers, stranger => stranger.Dispose());
    }

    [Fact(DisplayName = "Garbage reaches no worker and ends nobody's connection")]
    public async Task Garbage_hurts_nobody()
    {
        await using Bus bus = await ListenAsync(new BusLimits { MaxInputBuffer = 65_536, MaxOutputQueue = 1_048_576 });
        await using Bus client = await ConnectAsync(AddressOf(bus));
        using RawClient reads = Enter(bus), deaf = Enter(bus);
        var random = new Random(20_260_131);
        byte[] bytes = new byte[20_000];
        for (int round = 0; round < 50; round++)
        {
            random.NextBytes(bytes);
            using RawClient leaves = Enter(bus);
            foreach (RawClient hostile in new[] { reads, deaf, leaves })
                hostile.Push(bytes);
            Assert.False(reads.IsEnded());
            await ServedAsync(bus, client);
        }

        reads.Push("\n" + """{"jsonrpc":"2.0","id":"mine","method":"echo"}""" + "\n");
        await UntilServed(() => !reads.IsEnded() && reads.Received.Contains("\"id\":\"mine\"", StringComparison.Ordinal), bus, client);
        IReadOnlyList<BusWorker> workers = await bus.GetWorkersAsync().Soon();
        Assert.Equal((_asked + 1, _asked + 1), (workers.Sum(worker => worker.MessagesIn), workers.Sum(worker => worker.MessagesOut)));
    }

    [Fact(DisplayName = "A flood is answered, to the last request or with the limit it passed, and the others are served meanwhile")]
    public async Task A_flood_is_answered()
    {
        await using Bus bus = await ListenAsync(new BusLimits { MaxPendingPerClient = 256 });
        await using Bus client = await ConnectAsync(AddressOf(bus));
        using var over = new CancellationTokenSource();
        Task<int>[] floods = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => FloodAsync(bus, over.Token)))];
        for (int i = 0; i < 30; i++)
            await ServedAsync(bus, client);
        await over.CancelAsync();
        Assert.All(await Task.WhenAll(floods).Soon(), sent => Assert.True(sent > 0));
        Assert.Equal(1, bus.ClientCount);
    }

    [Fact(DisplayName = "Clients that never read are disconnected, and the others served")]
    public async Task Clients_that_never_read_are_disconnected()
    {
        await using Bus bus = await ListenAsync(new BusLimits { MaxOutputQueue = 1_048_576, BackpressureTimeoutSeconds = 1 });
        await using Bus client = await ConnectAsync(AddressOf(bus));
        RawClient[] deaf = [.. Enumerable.Range(0, 3).Select(_ => Enter(bus))];
        string requests = string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"jsonrpc\":\"2.0\",\"id\":{i},\"method\":\"fill\",\"params\":{{\"bytes\":100000}}}}\n"));
        foreach (RawClient hostile in deaf)
            Assert.Equal(requests.Length, hostile.Push(requests));
        await UntilServed(() => bus.GetLog().Count(line => line.Text.Contains("did not read within backpressure_timeout_sec", StringComparison.Ordinal)) == deaf.Length, bus, client);
        Assert.Equal((1, 3L), (bus.ClientCount, bus.Statistics.ClientDisconnects));
        Assert.True(bus.Statistics.Backpressure >= deaf.Length);
        Array.ForEach(deaf, hostile => hostile.Dispose());
    }

    [Fact(DisplayName = "Of 2,000 connections as many as MaxClients are served, the rest is told why, and the others are served")]
    public async Task Connections_beyond_the_limit_are_turned_away()
    {
        if (DescriptorLimit() is var limit and < 5_000)
            Assert.Skip($"this process may have {limit} descriptors only");
        await using Bus bus = await ListenAsync(new BusLimits { MaxClients = 500 });
        await using Bus client = await ConnectAsync(AddressOf(bus));
        var crowd = new List<RawClient>();
        for (int i = 0; i < 2_000; i++)
        {
            crowd.Add(Enter(bus));
            if (i % 50 == 0)
                await ServedAsync(bus, client);
        }

        foreach (RawClient one in crowd)
            one.Push("""{"jsonrpc":"2.0","id":1,"method":"pid"}""" + "\n");
        await UntilServed(() => crowd.All(one => one.IsEnded() || one.Received.Contains("\"pid\"", StringComparison.Ordinal)), bus, client);
        Assert.Equal(499, crowd.Count(one => one.Received.Contains("\"pid\"", StringComparison.Ordinal)));
        Assert.Contains(crowd, one => one.Received.Contains("max_clients is reached", StringComparison.Ordinal));
        Assert.Equal(500, bus.ClientCount);
        crowd.ForEach(one => one.Dispose());
        await UntilServed(() => bus.ClientCount == 1, bus, client);
        await using Bus next = await ConnectAsync(AddressOf(bus));
        await ServedAsync(next);
    }

    [Fact(DisplayName = "A process of another user may not use the Unix socket, and is refused even where the file lets it in")]
    public async Task Another_user_is_turned_away()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/setpriv") || !File.Exists("/usr/bin/perl"))
        {
            Assert.Skip("only root can become somebody else, here with setpriv and perl");
            return;
        }

        await using Bus bus = await ListenAsync(new BusLimits());
        File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bus.ListenEndpoint!));
        Assert.Equal("Permission denied", await ConnectAsNobodyAsync(bus.ListenEndpoint!));
        File.SetUnixFileMode(bus.ListenEndpoint!, (UnixFileMode)0b110_110_110);
        Assert.Equal("closed", await ConnectAsNobodyAsync(bus.ListenEndpoint!));
        Assert.Contains(bus.GetLog(), line => line.Text.StartsWith("refused a connection of another user", StringComparison.Ordinal) && line.Level == BusLogLevel.Warning);
        Assert.Equal(0, bus.Statistics.ClientConnects);
        await using Bus own = await ConnectAsync(AddressOf(bus));
        await ServedAsync(bus, own);
    }

    private static string Auth(string token) => $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stdio_bus/auth\",\"params\":{{\"token\":\"{token}\"}}}}";

    private static BusOptions Options(NativeOptions native, BusLimits? limits = null)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool(instances: 2));
        (options.Backend, options.Native, options.Limits) = (BackendKind.Native, native, limits);
        return options;
    }

    private Task<Bus> ListenAsync(BusLimits limits) =>
        TestWorkers.StartAsync(Options(
            RunningDaemon.HasUnixSockets
                ? new NativeOptions { ListenMode = ListenMode.Unix, UnixPath = Path.Combine(_folder, "bus.sock") }
                : new NativeOptions { ListenMode = ListenMode.Tcp, TcpPort = 0, AccessToken = Token },
            limits));

    private static SocketOptions AddressOf(Bus bus) => bus.ListenMode == ListenMode.Unix
        ? new SocketOptions { UnixPath = bus.ListenEndpoint }
        : new SocketOptions { Host = "127.0.0.1", Port = int.Parse(bus.ListenEndpoint!.Split(':')[^1], CultureInfo.InvariantCulture), AccessToken = Token };

    // A client that is let in, and then behaves as it likes.
    private static RawClient Enter(Bus bus)
    {
        var client = new RawClient(bus.ListenEndpoint!);
        if (bus.ListenMode == ListenMode.Tcp)
            client.Push(Auth(Token) + "\n");
        return client;
    }

    private static Task<Bus> ConnectAsync(SocketOptions address)
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool(instances: 2));
        (options.Backend, options.Socket) = (BackendKind.Socket, address);
        return TestWorkers.StartAsync(options);
    }

    private async Task ServedAsync(params Bus[] those)
    {
        foreach (Bus one in those)
        {
            int n = ++_asked;
            Assert.Equal(n, (await one.RequestAsync("echo", new { n }).Soon()).GetProperty("n").GetInt32());
        }
    }

    private async Task UntilServed(Func<bool> reached, params Bus[] those)
    {
        long start = Stopwatch.GetTimestamp();
        while (!reached())
        {
            await ServedAsync(those);
            Assert.True(Stopwatch.GetElapsedTime(start) < TestWorkers.Patience, "it never came to an end");
        }
    }

    // Keeps more requests in flight than a client may, and counts the answers.
    private static async Task<int> FloodAsync(Bus bus, CancellationToken over)
    {
        using Socket socket = RawClient.Connect(bus.ListenEndpoint!);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        if (bus.ListenMode == ListenMode.Tcp)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Auth(Token) + "\n"), CancellationToken.None);
            Assert.NotNull(await reader.ReadLineAsync(CancellationToken.None));
        }

        int sent = 0, answered = 0;
        do
        {
            var requests = new StringBuilder();
            while (sent < answered + 1000)
                requests.Append(CultureInfo.InvariantCulture, $$"""{"jsonrpc":"2.0","id":{{++sent}},"method":"echo"}""").Append('\n');
            await stream.WriteAsync(Encoding.UTF8.GetBytes(requests.ToString()), CancellationToken.None);
            for (; answered < sent - 500; answered++)
                Assert.NotNull(await reader.ReadLineAsync(CancellationToken.None));
        }
        while (!over.IsCancellationRequested);
        for (; answered < sent; answered++)
            Assert.NotNull(await reader.ReadLineAsync(CancellationToken.None));
        return sent;
    }

    // What a process of the user nobody meets there.
    private static async Task<string> ConnectAsNobodyAsync(string path)
    {
        const string Script = """
            use Socket;
            socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
            if (!connect($s, sockaddr_un($ARGV[0]))) { print $!; exit }
            print defined(sysread($s, my $byte, 1)) && !length($byte) ? "closed" : "served";
            """;
        var start = new ProcessStartInfo("/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/perl", "-e", Script, path]) { RedirectStandardOutput = true };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        string said = await process.StandardOutput.ReadToEndAsync().Soon();
        await process.WaitForExitAsync().Soon();
        return said;
    }

    private static int DescriptorLimit() => OperatingSystem.IsWindows() ? int.MaxValue : int.Parse(
        File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture);
}
