using System.Globalization;
using System.Net.Sockets;

namespace StdioBus.Shell.Tests;

/// <summary>Several PowerShell processes on the bus of another: each gets the answers to its own requests, all of them.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ScaleOutTests(ITestOutputHelper output) : IDisposable
{
    private const int Clients = 8;
    private const int RequestsPerSecond = 200;

    /// <summary>Makes the bus, says where it listens, and at a line of input what it counted.</summary>
    private const string Server = """
        param([string] $Worker, [string] $Mode, [string] $Socket)
        $ErrorActionPreference = 'Stop'
        $listener = if ($Mode -eq 'Unix') { @{ UnixPath = $Socket } } else { @{ TcpPort = 0; AccessToken = 'of the test' } }
        $bus = New-StdioBus -Pool echo -Command dotnet -ArgumentList $Worker -Instances 4 -ListenMode $Mode @listener
        $bus.ListenEndpoint
        $null = [Console]::In.ReadLine()
        '{0} {1} {2}' -f $bus.Statistics.ClientConnects, $bus.ClientCount, $bus.KernelPendingCount
        (Get-BusWorker | ForEach-Object MessagesOut) -join ' '
        Remove-StdioBus $bus
        """;

    /// <summary>Connects, waits for a line of input, asks at an even pace and compares each answer with what was asked.</summary>
    private const string Client = """
        param([string] $Process, [string] $Mode, [string] $Endpoint, [int] $Seconds, [int] $Rate)
        $ErrorActionPreference = 'Stop'
        $name, $port = $Endpoint.Split(':')
        $address = if ($Mode -eq 'Unix') { @{ UnixPath = $Endpoint } } else { @{ Host = $name; Port = [int]$port; AccessToken = 'of the test' } }
        $bus = New-StdioBus -Pool echo -Command dotnet -Instances 4 -Backend Socket -SocketOption $address -Timeout 0
        'connected'
        $null = [Console]::In.ReadLine()
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $wrong = $answered = 0
        & {
            for ($n = 0; $clock.Elapsed.TotalSeconds -lt $Seconds; [Threading.Thread]::Sleep(10)) {
                for ($due = $Rate * $clock.Elapsed.TotalSeconds; $n -lt $due; $n++) { @{ process = $Process; n = $n } }
            }
            $script:asked = $n
        } | Invoke-BusRequest echo -ThrottleLimit 64 -Ordered -ErrorVariable failed -ErrorAction SilentlyContinue | ForEach-Object {
            if ($_.process -cne $Process -or $_.n -ne $answered) { $wrong++ }
            $answered++
        }
        '{0} {1} {2} {3} {4}' -f $asked, $answered, $wrong, $failed.Count, [int]$clock.Elapsed.TotalMilliseconds
        if ($failed.Count) { throw $failed[0] }
        Remove-StdioBus $bus
        """;

    private readonly ScriptFile _server = new(Server), _client = new(Client);

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
    }

    [Theory]
    [Trait("Acceptance", "A22")]
    [InlineData("Unix", 30)]
    [InlineData("Tcp", 5)]
    public async Task Eight_processes_that_ask_one_bus_at_once_get_each_their_own_answers(string mode, int seconds)
    {
        Assert.SkipWhen(mode == "Unix" && !Socket.OSSupportsUnixDomainSockets, "this system has no Unix sockets");
        await using var server = ShellProcess.Start([_server.Path, Repository.TestWorker, mode, Path.Combine(_server.Folder, "bus.sock")]);
        string endpoint = await server.ReadLineAsync() ?? throw new InvalidOperationException((await server.EndAsync()).Error);
        var clients = new List<ShellProcess>();
        try
        {
            for (var i = 0; i < Clients; i++)
                clients.Add(ShellProcess.Start([_client.Path, $"process-{i}", mode, endpoint, $"{seconds}", $"{RequestsPerSecond}"]));
            foreach (var client in clients)
                Assert.Equal("connected", await client.ReadLineAsync() ?? (await client.EndAsync()).Error);
            foreach (var client in clients)
                await client.WriteLineAsync("go");

            long total = 0;
            double rate = 0;
            foreach (var client in clients)
            {
                var result = await client.EndAsync();
                Assert.Equal((0, ""), (result.ExitCode, result.Error));
                long[] counts = [.. result.Output.Split(' ').Select(count => long.Parse(count, CultureInfo.InvariantCulture))];
                var (asked, answered, wrong, failed, milliseconds) = (counts[0], counts[1], counts[2], counts[3], counts[4]);
                Assert.True(asked > 0);
                Assert.Equal((asked, 0, 0), (answered, wrong, failed));
                total += asked;
                rate += 1000.0 * asked / milliseconds;
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mode}: {total} requests of {Clients} processes, each answered to the one that asked; {rate:n0} a second, of {Clients * RequestsPerSecond} wanted."));
            await server.WriteLineAsync("counts");
            Assert.Equal($"{Clients} 0 0", await server.ReadLineAsync());
            Assert.Equal(total, (await server.ReadLineAsync())!.Split(' ').Sum(count => long.Parse(count, CultureInfo.InvariantCulture)));
            var end = await server.EndAsync();
            Assert.Equal((0, ""), (end.ExitCode, end.Error));
            Assert.False(File.Exists(Path.Combine(_server.Folder, "bus.sock")));
        }
        finally
        {
            foreach (var client in clients)
                await client.DisposeAsync();
        }
    }
}
