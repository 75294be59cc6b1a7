using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
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

    [Fact]
    public void A_listener_that_others_may_reach_takes_leave_and_a_token()
    {
        ErrorRecord error = _runspace.RunToError(Tcp + "-TcpHost 0.0.0.0 -AccessToken x");
        Assert.StartsWith("BusPolicyDenied,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.PermissionDenied, error.CategoryInfo.Category);
        Assert.Contains("-AllowRemote and -AccessToken", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Contains("AccessToken: required", _runspace.RunToError(Tcp + "-TcpHost 0.0.0.0 -AllowRemote").ToString(), StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
        Assert.StartsWith("0.0.0.0:", (string)_runspace.RunOne(Tcp + "-TcpHost 0.0.0.0 -AllowRemote -AccessToken x; $bus.ListenEndpoint")!, StringComparison.Ordinal);
    }

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
    [InlineData("-Backend Docker -DockerOption @{ Image = 'x'; PullPolicy = 'Never'; EnginePath = './nowhere/docker'; StartupTimeout = 5; ContainerNamePrefix = 'p'; ExtraArgs = 'a', 'b'; Environment = @{ A = 1 } }", "BusUnavailable", "EnginePath: the container engine '/")]
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
        Assert.Contains("/nowhere/docker", error.ToString(), StringComparison.Ordinal);
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
