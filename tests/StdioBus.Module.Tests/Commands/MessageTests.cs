using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class MessageTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    private string[] Received(string pool = "kit") => [.. Assert.IsType<object[]>(_runspace.RunOne($"Invoke-BusRequest received -Pool {pool}")).Cast<string>()];

    [Fact]
    public void A_line_of_ones_own_reaches_the_worker()
    {
        _runspace.Run("""
            $bus = Start-Kit
            Send-BusMessage '{ "jsonrpc": "2.0", "method": "text" }'
            Send-BusMessage @{ jsonrpc = '2.0'; method = 'table' }
            '{"jsonrpc":"2.0","method":"a"}', ([pscustomobject]@{ jsonrpc = '2.0'; method = 'b' }) | Send-BusMessage -Pool kit
            Send-BusMessage "{`n`"jsonrpc`":`"2.0`",`r`n`"method`":`"lines`"}"
            """);
        Assert.Equal(["text", "table", "a", "b", "lines"], Received());
    }

    [Fact]
    public void What_the_worker_answers_is_heard_by_raw_subscriptions()
    {
        _runspace.Run("$bus = Start-Kit");
        using BusRawSubscription heard = ((Bus)_runspace.RunOne("$bus")!).SubscribeRaw();
        _runspace.Run("""Send-BusMessage '{"jsonrpc":"2.0","id":"mine","method":"echo","params":{"a":1}}'; $null = Invoke-BusRequest echo @{}""");
        Assert.True(heard.TryRead(out BusMessage? answer));
        Assert.Contains("\"mine\"", answer.Json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'{\"method\":'", "not one JSON value")]
    [InlineData("'{\"method\":\"a\"} x'", "not one JSON value")]
    [InlineData("'[{\"method\":\"a\"}]'", "batch")]
    [InlineData("'5'", "expected a JSON object, got a number")]
    [InlineData("'{}'", "'method' is missing")]
    [InlineData("@{ id = 1 }", "'method' is missing")]
    [InlineData("@{ method = 5 }", "'method' must be a string, not a number")]
    [InlineData("@{ method = 'a'; id = @() }", "'id' must be a string, a number or null, not an array")]
    [InlineData("([IO.FileInfo]'/')", "FileInfo")]
    public void What_is_no_message_is_an_error_that_says_why(string message, string expected)
    {
        _runspace.Run("$bus = Start-Kit");
        ErrorRecord error = _runspace.RunToError("Send-BusMessage " + message);
        Assert.StartsWith("BusInvalidMessage,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidData, error.CategoryInfo.Category);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.Empty(Received());
    }

    [Fact]
    public void Of_many_a_bad_one_is_an_error_of_its_own_with_the_input()
    {
        _runspace.Run("$bus = Start-Kit");
        ErrorRecord error = _runspace.RunWithErrors("""'{"method":"a","jsonrpc":"2.0"}', 'bad', '{"method":"b","jsonrpc":"2.0"}' | Send-BusMessage""").OnlyError("BusInvalidMessage");
        Assert.Equal("bad", error.TargetObject.ToString());
        Assert.Equal(["a", "b"], Received());
    }

    [Fact]
    public void Among_several_pools_one_must_be_meant()
    {
        _runspace.Run("$bus = New-StdioBus -PoolConfig @{ Id = 'a'; Command = $worker; Args = 'kit' }, @{ Id = 'b'; Command = $worker; Args = 'kit' }");
        Assert.Contains("several pools (a, b)", _runspace.RunToError("Send-BusMessage @{ jsonrpc = '2.0'; id = 1; method = 'echo' }").ToString(), StringComparison.Ordinal);
        Assert.Contains("-Pool", _runspace.RunWithErrors("Invoke-BusRequest echo @{}").OnlyError("BusInvalidArgument").ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        _runspace.RunWithErrors("Send-BusMessage @{ jsonrpc = '2.0'; method = 'x' } -Pool c").OnlyError("BusPoolNotFound");
        Assert.StartsWith("BusUnavailable,", _runspace.RunToError("Send-BusMessage @{ jsonrpc = '2.0'; method = 'nowhere' }").FullyQualifiedErrorId, StringComparison.Ordinal);
        _runspace.Run("Send-BusMessage @{ jsonrpc = '2.0'; method = 'member'; pool = 'b' }; Send-BusMessage @{ jsonrpc = '2.0'; method = 'parameter' } -Pool b");
        Assert.Equal(["member", "parameter"], Received("b"));
        Assert.Empty(Received("a"));
    }

    [Fact]
    public void Messages_of_one_session_go_to_one_worker()
    {
        _runspace.Run("$bus = Start-Kit kit 3; 1..9 | ForEach-Object { Send-BusMessage @{ jsonrpc = '2.0'; method = \"m$_\" } -SessionId s }");
        Assert.Equal(9, _runspace.RunOne("(Invoke-BusRequest received -SessionId s).Count"));
    }
}
