using System.Text.Json;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>Pools whose workers are greeted: -Initialize and -Handshake.</summary>
public sealed class HandshakeTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    [Theory]
    [InlineData("@{ protocolVersion = '2025-06-18' }")]
    [InlineData("([pscustomobject]@{ protocolVersion = '2025-06-18' })")]
    [InlineData("'{ \"protocolVersion\": \"2025-06-18\" }'")]
    public void Each_worker_is_initialized_and_told_so(string parameters)
    {
        _runspace.Run($"$bus = New-StdioBus p $worker -Instances 2 -Initialize {parameters}; Get-BusWorker | Restart-BusWorker -Force");
        Assert.Equal("2025-06-18 2025-06-18", _runspace.RunOne("(Get-BusWorker).Handshake.protocolVersion -join ' '"));
        Assert.Equal("True True", _runspace.RunOne("(1..2 | ForEach-Object { (Invoke-BusRequest seen -SessionId \"s$_\") -match '\"notifications/initialized\"' -as [bool] }) -join ' '"));
        Assert.Equal(Dialect.Auto, _runspace.RunOne("$bus.Pools[0].Dialect"));
    }

    [Fact]
    public void A_number_as_protocolVersion_is_followed_by_nothing()
    {
        _runspace.Run("$bus = New-StdioBus p $worker -Initialize @{ protocolVersion = 1 }");
        Assert.Equal(0, _runspace.RunOne("(Invoke-BusRequest seen).Count"));
        Assert.Equal(1L, _runspace.RunOne("(Get-BusWorker).Handshake.protocolVersion"));
    }

    [Theory]
    [InlineData("@{ id = 'x'; method = 'echo'; params = @{ a = 1 } }, @{ method = 'ready' }")]
    [InlineData("'{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":1}}', ([pscustomobject]@{ jsonrpc = '2.0'; method = 'ready' })")]
    public void Another_handshake_is_sent_as_it_is(string messages)
    {
        _runspace.Run($"$bus = Start-Kit -With @{{ Handshake = {messages} }}");
        Assert.Equal("ready", _runspace.RunOne("(Invoke-BusRequest received) -join ' '"));
        Assert.Equal(1L, _runspace.RunOne("(Get-BusWorker).Handshake.a"));
    }

    [Fact]
    public void Pools_are_greeted_too_however_they_are_given()
    {
        _runspace.Run("""
            $bus = (New-BusPool a $worker -Initialize @{ protocolVersion = 1 }),
                @{ Id = 'b'; Command = $worker; Initialize = @{ protocolVersion = 2 } },
                @{ Id = 'c'; Command = $worker; Args = 'kit'; Handshake = @{ id = 1; method = 'echo'; params = @{ protocolVersion = 3 } } },
                @{ Id = 'd'; Command = $worker; Handshake = @() } | New-StdioBus
            Get-BusWorker | Restart-BusWorker -Force
            """);
        Assert.Equal("1 2 3 ", _runspace.RunOne("(Get-BusWorker | ForEach-Object { $_.Handshake.protocolVersion }) -join ' '"));
        Assert.Null(_runspace.RunOne("(Get-BusWorker d).Handshake"));
        Assert.Equal("""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1}}""", _runspace.RunOne("$bus.Pools[0].Handshake[0].ToString()"));
    }

    [Fact]
    public void A_file_s_pools_without_a_handshake_are_greeted()
    {
        string folder = Directory.CreateTempSubdirectory("stdiobus-").FullName;
        try
        {
            string path = Path.Combine(folder, "bus.json"), program = JsonEncodedText.Encode(WorkerProgram.Path).ToString();
            File.WriteAllText(path, $$$"""{"pools":[{"id":"a","command":"{{{program}}}"},{"id":"b","command":"{{{program}}}","handshake":[{"id":1,"method":"echo","params":{"own":true}}]}]}""");
            _runspace.Run("$bus = New-StdioBus -ConfigPath $path -Initialize @{ protocolVersion = 1 }; Get-BusWorker | Restart-BusWorker -Force", ("path", path));
            Assert.Equal("1 True", _runspace.RunOne("\"$((Get-BusWorker a).Handshake.protocolVersion) $((Get-BusWorker b).Handshake.own)\""));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("-Initialize $null", "must be a JSON object, not null")]
    [InlineData("-Initialize 5", "expected an object or an array")]
    [InlineData("-Initialize '[1]'", "must be a JSON object, not [1]")]
    [InlineData("-Initialize 'hello'", "begins with neither { nor [")]
    [InlineData("-Initialize @{ x = [System.Text.StringBuilder]::new() }", "has no JSON form")]
    [InlineData("-Handshake 'hello'", "not one JSON value")]
    [InlineData("-Handshake @{ id = 1 }", "Handshake[0].method: required")]
    [InlineData("-Handshake @{ method = 'a' }, 5", "Handshake[1]: expected an object")]
    [InlineData("-Handshake @{ method = 'a'; id = 1.5 }", "Handshake[0].id: expected a string or a whole number, got 1.5")]
    [InlineData("-Handshake @{ method = 'stdio_bus/workers' }", "are for the bus itself")]
    public void What_is_no_handshake_is_refused(string parameter, string reason)
    {
        foreach (string command in new[] { "New-StdioBus p $worker", "New-BusPool p $worker" })
        {
            var error = _runspace.RunWithErrors($"{command} {parameter}").OnlyError("ParameterArgumentTransformationError");
            Assert.Contains(reason, error.Exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_two_parameters_exclude_each_other()
    {
        foreach (string command in new[] { "New-StdioBus p $worker", "New-BusPool p $worker" })
            _runspace.RunWithErrors($"{command} -Initialize @{{}} -Handshake @{{ method = 'a' }}").OnlyError("BusInvalidArgument");
        var error = _runspace.RunWithErrors("New-StdioBus -PoolConfig @{ Id = 'a'; Command = $worker; Initialize = @{}; Handshake = @{ method = 'a' } }").OnlyError("ParameterArgumentTransformationError");
        Assert.Contains("not both", error.Exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-Initialize @{ protocolVersion = 1 }")]
    [InlineData("-Handshake @{ method = 'a' }")]
    public void A_daemon_greets_its_pools_by_itself(string parameter)
    {
        var error = _runspace.RunWithErrors($"New-StdioBus p $worker -Backend Socket -SocketOption @{{ Port = 1 }} {parameter}").OnlyError("BusInvalidArgument");
        Assert.Contains("those of the daemon", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_that_is_not_sent_is_a_warning()
    {
        ScriptRun run = _runspace.RunWithErrors("$bus = New-StdioBus p $worker -Handshake @{ method = 'a'; parms = @{} }");
        Assert.Empty(run.Errors);
        Assert.StartsWith("$.pools[0].handshake[0].parms: unknown key", Assert.Single(run.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_is_told_to_callers_and_seen_at_the_worker()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Initialize = @{ protocolVersion = 1 }; Limit = @{ MaxRestarts = 0 } }");
        var error = _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusUnavailable");
        Assert.Contains("refused the handshake: 'initialize' got -32601: no such method", error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal("refused the handshake: 'initialize' got -32601: no such method", _runspace.RunOne("(Get-BusWorker).LastExitReason"));
        Assert.Null(_runspace.RunOne("(Get-BusWorker).Handshake"));
    }

    [Fact]
    public void A_handshake_without_an_answer_is_given_up()
    {
        _runspace.Run("$bus = Start-Kit -With @{ Handshake = @{ id = 1; method = 'hold' }; Limit = @{ MaxRestarts = 0; StartupTimeout = 1 } }");
        var error = _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusUnavailable");
        Assert.Contains("'hold' was not answered within 1 s", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_problem_of_a_handshake_is_found_by_its_test()
    {
        Assert.Equal("$.pools[0].handshake[0].method", _runspace.RunOne("(Test-BusConfig -Config @{ pools = @(@{ id = 'a'; command = 'x'; handshake = @(@{ id = 1 }) }) }).Path"));
    }
}
