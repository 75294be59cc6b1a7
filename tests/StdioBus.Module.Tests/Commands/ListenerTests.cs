using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A25")]
public sealed class ListenerTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    private const string Tcp = "$bus = New-StdioBus kit $worker kit -ListenMode Tcp -TcpPort 0 ";

    // What answers the lines that are sent, until there are as many answers, or no more come.
    private static List<string> Talk(string endpoint, params string[] lines)
    {
        using var client = new TcpClient();
        client.Connect(IPEndPoint.Parse(endpoint));
        using NetworkStream stream = client.GetStream();
        stream.ReadTimeout = (int)TestRunspace.Deadline.TotalMilliseconds;
        using var writer = new StreamWriter(stream) { NewLine = "\n" };
        using var reader = new StreamReader(stream);
        foreach (string line in lines)
            writer.WriteLine(line);

        writer.Flush();
        var answers = new List<string>();
        while (answers.Count < lines.Length && reader.ReadLine() is string line)
            answers.Add(line);

        return answers;
    }

    [Theory]
    [InlineData("-AccessToken 'open sesame'")]
    [InlineData("-AccessToken $secure")]
    [InlineData("-NativeOption @{ AccessToken = 'open sesame' }")]
    public void Clients_show_the_token_and_are_counted(string token)
    {
        _runspace.Run($"{Tcp} {token}", ("secure", new NetworkCredential("", "open sesame").SecurePassword));
        string endpoint = (string)_runspace.RunOne("(Get-StdioBus).ListenEndpoint")!;
        const string Echo = """{"jsonrpc":"2.0","id":2,"method":"echo","params":{"a":1}}""";
        Assert.Equal(2, Talk(endpoint, """{"jsonrpc":"2.0","id":1,"method":"stdio_bus/auth","params":{"token":"open sesame"}}""", Echo).Count);
        Assert.Contains("Not authorized", Assert.Single(Talk(endpoint, Echo, Echo)), StringComparison.Ordinal);
        using var client = new TcpClient();
        client.Connect(IPEndPoint.Parse(endpoint));
        using var writer = new StreamWriter(client.GetStream()) { NewLine = "\n", AutoFlush = true };
        writer.WriteLine("""{"jsonrpc":"2.0","id":1,"method":"stdio_bus/auth","params":{"token":"open sesame"}}""");
        using var reader = new StreamReader(client.GetStream());
        Assert.NotNull(reader.ReadLine());
        Assert.Equal(1, _runspace.RunOne("(Get-StdioBus).ClientCount"));
    }

    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0:")]
    [InlineData("::", "[::]:")]
    public void A_listener_that_others_may_reach_takes_leave_and_a_token(string host, string endpoint)
    {
        foreach (string token in new[] { "", "-AccessToken x" })
        {
            ErrorRecord error = _runspace.RunToError($"{Tcp} -TcpHost {host} {token}");
            Assert.StartsWith("BusPolicyDenied,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.PermissionDenied, error.CategoryInfo.Category);
            Assert.Contains($"'{host}' may be reached from other machines", error.ToString(), StringComparison.Ordinal);
            Assert.Contains("-AllowRemote and -AccessToken", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        }

        Assert.Contains("AccessToken: required", _runspace.RunToError($"{Tcp} -TcpHost {host} -AllowRemote").ToString(), StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
        Assert.StartsWith(endpoint, (string)_runspace.RunOne($"{Tcp} -TcpHost {host} -AllowRemote -AccessToken x; $bus.ListenEndpoint")!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-ListenMode Tcp -TcpPort 0 -AccessToken x", "@{ Host = '127.0.0.1'; Port = [int]$ear.ListenEndpoint.Split(':')[-1]; AccessToken = 'x' }")]
    [InlineData("-ListenMode Tcp -TcpHost ::1 -TcpPort 0 -AccessToken x", "@{ Host = '::1'; Port = [int]$ear.ListenEndpoint.Split(':')[-1]; AccessToken = 'x' }")]
    [InlineData("-ListenMode Unix -UnixPath $socket", "@{ UnixPath = $socket }")]
    public void Buses_that_come_and_go_as_clients_are_counted_and_in_the_log(string listener, string address)
    {
        Assert.SkipWhen(listener.Contains("Unix", StringComparison.Ordinal) && !Socket.OSSupportsUnixDomainSockets, "this system has no Unix sockets");
        string socket = Path.Combine(Path.GetTempPath(), $"stdiobus-{Guid.NewGuid():N}.sock");
        _runspace.Run($"$ear = New-StdioBus kit $worker kit -Name ear {listener}; $address = {address}", ("socket", socket));
        _runspace.Run("$one = New-StdioBus kit $worker kit -Backend Socket -SocketOption $address; $two = New-StdioBus kit $worker kit -Backend Socket -SocketOption $address");
        Assert.Equal(["1", "2", "3"], _runspace.Run("1..3 | ForEach-Object { (Invoke-BusRequest echo @{ n = $_ } -Bus @($ear, $one, $two)[$_ - 1]).n }").Select(item => item.ToString()));
        Assert.Equal("2 2 0", _runspace.RunOne("$ear.ClientCount, $ear.Statistics.ClientConnects, $ear.Statistics.ClientDisconnects -join ' '"));
        _runspace.Run("Remove-StdioBus $one");
        var ear = (Bus)_runspace.RunOne("Get-StdioBus ear")!;
        Assert.True(SpinWait.SpinUntil(() => ear.ClientCount == 1, TestRunspace.Deadline));
        Assert.Equal("1 2 1", _runspace.RunOne("$ear.ClientCount, $ear.Statistics.ClientConnects, $ear.Statistics.ClientDisconnects -join ' '"));
        string[] log = [.. _runspace.Run("Get-BusLog -Bus $ear | Where-Object Text -match 'listening|client' | ForEach-Object Text").Select(item => item.ToString())];
        Assert.Equal($"listening on {ear.ListenEndpoint}", log[0]);
        Assert.Equal(["client 1 connected", "client 2 connected", "client 1"], log[1..].Select(line => line.Split(':')[0]));
        Assert.Equal("client 1: disconnected", log[^1]);
        _runspace.Run("Get-StdioBus | Remove-StdioBus");
        Assert.False(File.Exists(socket));
    }

    [Fact]
    [Trait("Covers", "A37")]
    public void A_bus_shows_where_it_listens_and_who_came()
    {
        _runspace.Run($"{Tcp} -AccessToken x");
        string endpoint = (string)_runspace.RunOne("$bus.ListenEndpoint")!;
        Assert.Equal("0", ClientsInTheListView());
        string port = endpoint.Split(':')[^1];
        _runspace.Run($"1..2 | ForEach-Object {{ $one = New-StdioBus kit $worker kit -Backend Socket -SocketOption @{{ Host = '127.0.0.1'; Port = {port}; AccessToken = 'x' }}; if ($_ -eq 1) {{ Remove-StdioBus $one }} }}");
        Assert.True(SpinWait.SpinUntil(() => ((Bus)_runspace.RunOne("$bus")!).ClientCount == 1, TestRunspace.Deadline));
        Assert.Equal("1, 2 in total", ClientsInTheListView());

        // The engine lists every object of such output after the first.
        _runspace.Run("$PSStyle.OutputRendering = 'PlainText'; & { [pscustomobject][ordered]@{ A = 1; B = 2; C = 3; D = 4; E = 5 }; $bus } | Out-Default");
        Assert.Contains($"ListenEndpoint : {endpoint}\nClientCount    : 1\n", Regex.Replace(_runspace.Host.Shown, "\u001b\\[[0-9;]*m", ""), StringComparison.Ordinal);
    }

    // Format-List is not among the engine's own commands; this is what it runs.
    private string ClientsInTheListView() => _runspace.RunOne("""
        $views = [xml][System.IO.File]::ReadAllText((Get-Module StdioBus).ModuleBase + '/StdioBus.Format.ps1xml')
        $clients = $views.SelectSingleNode("//View[Name = 'StdioBus.Bus']/ListControl//ListItem[Label = 'Clients']/ScriptBlock").InnerText
        [string]($bus | ForEach-Object ([scriptblock]::Create($clients)))
        """)!.ToString()!;

    [Theory]
    [InlineData("-ListenMode Tcp", "TcpPort")]
    [InlineData("-ListenMode Tcp -TcpPort 65536", "TcpPort")]
    [InlineData("-ListenMode Tcp -TcpPort -1", "TcpPort")]
    [InlineData("-ListenMode Unix", "UnixPath")]
    [InlineData("-TcpPort 0", "ListenMode")]
    [InlineData("-AccessToken x", "AccessToken")]
    [InlineData("-AllowRemote", "AllowRemote")]
    [InlineData("-ListenMode Tcp -TcpPort 0 -AccessToken ('x' * 1025)", "AccessToken")]
    [InlineData("-ListenMode Tcp -TcpPort 0 -Backend Docker", "Backend")]
    [InlineData("-ListenMode Unix -UnixPath x -Backend Subprocess", "Backend")]
    [InlineData("-NativeOption @{ PollInterval = 0.0001 }", "PollInterval")]
    public void What_does_not_fit_is_an_invalid_argument_by_name(string parameters, string named)
    {
        ErrorRecord error = _runspace.RunToError($"New-StdioBus kit $worker kit {parameters}");
        Assert.StartsWith("BusInvalidArgument,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith(named + ":", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
    }

    [Theory]
    [InlineData("-Backend Subprocess -SubprocessOption @{ BinaryPath = './x'; StderrBufferLines = 5 }", "BusUnavailable", "BinaryPath")]
    [InlineData("-Backend Docker -DockerOption @{ Image = 'x'; PullPolicy = 'Never'; EnginePath = './nowhere/docker'; StartupTimeout = 5; ContainerNamePrefix = 'p'; ExtraArgs = 'a', 'b'; Environment = @{ A = 1 } }", "BusUnavailable", "EnginePath: the container engine '")]
    [InlineData("-Backend Docker", "BusInvalidArgument", "Docker: required")]
    [InlineData("-Backend Docker -DockerOption @{ PullPolicy = 'Never' }", "BusInvalidArgument", "Image: expected the name of an image")]
    [InlineData("-Backend Socket -SocketOption @{ Host = 'localhost'; Port = 5; AccessToken = 'x'; Reconnect = $true }", "BusUnavailable", "localhost:5 cannot be reached")]
    [InlineData("-Backend Socket -SocketOption ([StdioBus.SocketOptions]::new())", "BusInvalidArgument", "Host")]
    [InlineData("-SocketOption @{ Host = 'localhost' }", "BusInvalidArgument", "-Backend is Auto")]
    [InlineData("-Backend Native -DockerOption @{ Image = 'x' }", "BusInvalidArgument", "-DockerOption: is of the Docker backend")]
    [InlineData("-Hello -NoStart", "BusInvalidArgument", "-Hello")]
    public void A_backend_that_is_not_there_or_not_meant_says_so(string parameters, string id, string expected)
    {
        ErrorRecord error = _runspace.RunToError($"New-StdioBus kit $worker kit {parameters}");
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void Commands_and_folders_of_an_image_are_not_looked_for_here()
    {
        ErrorRecord error = _runspace.RunToError(
            "New-StdioBus kit /only/in/the/image ./agent.js -WorkingDirectory /only/there -Backend Docker -DockerOption @{ Image = 'x'; EnginePath = '/nowhere/docker' }");
        Assert.StartsWith("BusUnavailable,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(Path.GetFullPath("/nowhere/docker"), error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-DockerOption @{ Imag = 'x' }", "A docker option has no 'Imag'. It may have: Image")]
    [InlineData("-DockerOption @{ Image = 'x'; PullPolicy = 'Sometimes' }", "The 'PullPolicy' of a docker option cannot be 'Sometimes'")]
    [InlineData("-SubprocessOption @{ StderrBufferLines = 'many' }", "'StderrBufferLines' of a subprocess option")]
    [InlineData("-SocketOption 5", "is no socket option")]
    [InlineData("-AccessToken 5", "is no access token")]
    public void Options_are_read_with_messages_that_say_what_they_may_be(string parameters, string expected) =>
        Assert.Contains(expected, _runspace.RunToError($"New-StdioBus kit $worker kit {parameters}").ToString(), StringComparison.Ordinal);
}
