using System.Management.Automation;
using System.Net.Sockets;
using System.Text.Json;
using StdioBus.Module.Pipeline;
using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class NewBusTests : IDisposable
{
    private readonly TestRunspace _runspace = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-module-").FullName;

    public void Dispose()
    {
        _runspace.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private T About<T>(string property) => (T)((PSObject)_runspace.RunOne("Invoke-BusRequest about")!).Properties[property].Value;

    [Fact]
    public void A_bus_of_one_pool_starts_and_is_returned()
    {
        var bus = Assert.IsType<Bus>(_runspace.RunOne("$bus = New-StdioBus echo $worker kit, 'a b', '', '&' -Instances 2 -Environment @{ KIT = 5 } -Name mine; $bus"));
        Assert.Equal(("mine", BusState.Running, BackendKind.Native, 2), (bus.Name, bus.State, bus.BackendKind, bus.WorkerCount));
        Assert.Equal(TimeSpan.FromSeconds(30), bus.Timeout);
        Assert.Equal(["a b", "", "&"], About<object[]>("args"));
        Assert.Equal("5", About<string>("env"));
    }

    [Fact]
    public void Relative_paths_and_the_working_directory_follow_the_location_of_the_runspace()
    {
        Shim.Write(_folder, "kit-worker", WorkerProgram.Path);
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        Assert.NotEqual(_folder, Environment.CurrentDirectory);
        var pool = Assert.IsType<BusPool>(_runspace.RunOne("New-BusPool p ./kit-worker kit"));
        Assert.Equal((Path.Combine(_folder, "kit-worker"), _folder), (pool.Command, pool.WorkingDirectory));
        pool = Assert.IsType<BusPool>(_runspace.RunOne("New-BusPool p cat -WorkingDirectory sub"));
        Assert.Equal(("cat", Path.Combine(_folder, "sub")), (pool.Command, pool.WorkingDirectory));
        _runspace.Run("$bus = New-StdioBus kit $worker kit");
        Assert.Equal(_folder, About<string>("cwd"));
    }

    [Fact]
    public void What_a_configuration_file_has_to_be_warned_of_is_a_warning()
    {
        string path = Path.Combine(_folder, "mcp.json");
        File.WriteAllText(path, """{"mcpServers":{"on":{"command":"WORKER","args":["kit"],"autoApprove":[]},"off":{"command":"x","disabled":true}}}""".Replace("WORKER", JsonEncodedText.Encode(WorkerProgram.Path).ToString(), StringComparison.Ordinal));
        ScriptRun run = _runspace.RunWithErrors("$bus = New-StdioBus -ConfigPath $path; $bus.Pools.Id", ("path", path));
        Assert.Empty(run.Errors);
        Assert.Equal("on", Assert.Single(run.Output).BaseObject);
        Assert.Equal(["$.mcpServers.on.autoApprove", "$.mcpServers.off"], run.Warnings.Select(warning => warning.Message[(path.Length + 2)..].Split(": ")[0]));
    }

    [Fact]
    public void A_trace_lies_where_the_location_of_the_runspace_says_and_holds_no_secrets()
    {
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        _runspace.Run("$bus = New-StdioBus kit $worker kit -TracePath ./wire.ndjson; $null = Invoke-BusRequest about @{ token = 'top secret' }; Remove-StdioBus $bus");
        string trace = File.ReadAllText(Path.Combine(_folder, "wire.ndjson"));
        Assert.Contains("\"method\":\"about\"", trace, StringComparison.Ordinal);
        Assert.DoesNotContain("top secret", trace, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_location_that_is_no_folder_the_last_folder_counts()
    {
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        _runspace.Runspace.SessionStateProxy.Path.SetLocation("Env:");
        Assert.Equal(_folder, Assert.IsType<BusPool>(_runspace.RunOne("New-BusPool p cat")).WorkingDirectory);
    }

    [Fact]
    public void Pools_come_from_the_pipeline_or_as_hashtables_with_either_spelling()
    {
        _runspace.Run("$bus = 'a', 'b' | ForEach-Object { New-BusPool $_ $worker kit } | New-StdioBus");
        Assert.Equal(["a", "b"], _runspace.Run("$bus.Pools.Id").Select(item => item.BaseObject));
        _runspace.Run("$two = New-StdioBus -PoolConfig @{ id = 'x'; command = $worker; args = 'kit'; env = @{ KIT = 1 }; instances = 2; dialect = 'Mcp' }, (New-BusPool y $worker kit)");
        Assert.Equal((3, Dialect.Mcp), (_runspace.RunOne("$two.WorkerCount"), _runspace.RunOne("@($two.Pools)[0].Dialect")));
        Assert.Contains("It may have: Id, Command", _runspace.RunToError("New-StdioBus -PoolConfig @{ Id = 'x'; Comand = 'y' }").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_file_is_found_from_the_location_and_its_errors_have_their_path()
    {
        string program = JsonEncodedText.Encode(WorkerProgram.Path).ToString();
        File.WriteAllText(Path.Combine(_folder, "bus.json"), $$"""{"pools":[{"id":"p","command":"{{program}}","args":["kit"],"instances":1}]}""");
        File.WriteAllText(Path.Combine(_folder, "mcp.json"), $$"""{ "mcpServers": { "one": { "command": "{{program}}", "args": ["kit"] } } }""");
        File.WriteAllText(Path.Combine(_folder, "bad.json"), """{"pools":[{"id":"","command":"x","instances":0}]}""");
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        _runspace.Run("$bus = New-StdioBus -ConfigPath ./bus.json");
        Assert.Equal(_folder, About<string>("cwd"));
        Assert.Equal(Dialect.Mcp, _runspace.RunOne("(New-StdioBus -ConfigPath mcp.json).Pools.Dialect"));
        ErrorRecord error = _runspace.RunWithErrors("New-StdioBus -ConfigPath bad.json").OnlyError("BusInvalidArgument");
        Assert.Contains("pools[0].id", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("pools[0].instances", error.ToString(), StringComparison.Ordinal);
        ErrorRecord missing = _runspace.RunWithErrors("New-StdioBus -ConfigPath nope.json").OnlyError("BusFileNotFound");
        Assert.Contains("nope.json", missing.ToString(), StringComparison.Ordinal);
        Assert.Equal("nope.json", missing.TargetObject);
    }

    [Fact]
    public void What_get_command_gives_is_taken_as_command()
    {
        string program = OperatingSystem.IsWindows() ? Path.Combine(Environment.SystemDirectory, "find.exe") : "/bin/cat";
        Assert.Equal(program, Path.GetFullPath(Assert.IsType<BusPool>(_runspace.RunOne($"New-BusPool p (Get-Command {program})")).Command), ignoreCase: OperatingSystem.IsWindows());
        Assert.Contains("no program for a worker", _runspace.RunToError("New-BusPool p { 1 }").ToString(), StringComparison.Ordinal);
        Assert.Contains("no program for a worker", _runspace.RunToError("New-BusPool p (Get-Command Start-Kit)").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_runs_in_pwsh_or_is_a_clear_error_where_there_is_none()
    {
        File.WriteAllText(Path.Combine(_folder, "worker.ps1"), "exit");
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        Assert.Contains("nope.ps1", _runspace.RunWithErrors("New-BusPool p ./nope.ps1").OnlyError("BusCommandNotFound").ToString(), StringComparison.Ordinal);
        string? path = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", _folder);
            Assert.Contains("none is on PATH", _runspace.RunWithErrors("New-BusPool p ./worker.ps1").OnlyError("BusCommandNotFound").ToString(), StringComparison.Ordinal);
            string pwsh = Path.Combine(_folder, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
            File.WriteAllText(pwsh, "");
            var pool = Assert.IsType<BusPool>(_runspace.RunOne("New-BusPool p ./worker.ps1 -ArgumentList 'x y'"));
            Assert.Equal(pwsh, pool.Command);
            Assert.Equal(["-NoProfile", "-NonInteractive", "-File", Path.Combine(_folder, "worker.ps1"), "x y"], pool.ArgumentList);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }

    [Theory]
    [InlineData("no-such-program-here")]
    [InlineData("./no-such-program-here")]
    [InlineData("/no/such/no-such-program-here")]
    public void A_missing_command_is_a_clear_error_and_nothing_is_left(string command)
    {
        ErrorRecord error = _runspace.RunToError($"New-StdioBus p {command}");
        Assert.Contains(Path.GetFileName(command), error.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("BusCommandNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.IsType<BusUnavailableException>(error.Exception);
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void A_command_that_is_there_but_cannot_be_executed_is_another_error()
    {
        string text = Path.Combine(_folder, "notes.txt");
        File.WriteAllText(text, "not a program");
        ErrorRecord error = _runspace.RunToError($"New-StdioBus p {text}");
        Assert.Contains(OperatingSystem.IsWindows() ? $"cannot execute '{text}'" : "Permission denied", error.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("BusUnavailable,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("may be executed", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void A_pool_with_a_path_of_its_own_finds_its_command_there()
    {
        Shim.Write(_folder, "kit-worker", WorkerProgram.Path);
        _runspace.Run($"$bus = New-StdioBus kit kit-worker kit -Environment @{{ PATH = '{_folder}{Path.PathSeparator}' + $env:PATH }}");
        Assert.Equal(BusState.Running, _runspace.RunOne("$bus.State"));
        // A definition alone may name a program that comes later.
        Assert.Equal("kit-worker", Assert.IsType<BusPool>(_runspace.RunOne("New-BusPool p kit-worker")).Command);
    }

    [Theory]
    [InlineData("-Pool '' -Command x")]
    [InlineData("p cat -Instances 0")]
    [InlineData("p cat -Timeout -1")]
    [InlineData("p cat -Timeout soon")]
    [InlineData("p cat -Limit @{ MaxRestart = 1 }")]
    [InlineData("p cat -Limit @{ MaxRestarts = 'many' }")]
    [InlineData("p cat -Limit @{ MaxRestarts = 1; max_restarts = 2 }")]
    [InlineData("p cat -NativeOption 5")]
    [InlineData("p cat -Backend Carrier")]
    [InlineData("p cat -ListenMode Tcp")]
    [InlineData("p cat -ListenMode Tcp -TcpPort 99999")]
    [InlineData("p cat -ListenMode Unix")]
    [InlineData("p cat -Backend Docker")]
    [InlineData("p cat -WorkingDirectory /no/such/folder")]
    [InlineData("-PoolConfig @{ Id = 'a'; Command = 'cat' }, @{ Id = 'a'; Command = 'cat' }")]
    [InlineData("-PoolConfig @()")]
    public void A_bad_parameter_ends_the_command_and_nothing_is_started(string parameters)
    {
        ErrorRecord error = _runspace.RunToError($"New-StdioBus {parameters}");
        Assert.NotEmpty(error.ToString());
        Assert.Empty(BusRegistry.Open);
    }

    [Theory]
    [InlineData("-Limit @{ MaxRestarts = 'many' }", "The 'MaxRestarts' of a limit cannot be 'many'")]
    [InlineData("-Limit @{ DrainTimeout = 'soon' }", "The 'DrainTimeout' of a limit cannot be 'soon': 'soon' is not a time")]
    [InlineData("-Limit @{ MaxRestarts = 1; max_restarts = 2 }", "has one 'MaxRestarts', and it is given twice: ")]
    public void A_table_of_options_names_the_key_that_is_wrong(string parameters, string told) =>
        Assert.Contains(told, _runspace.RunToError($"New-StdioBus p cat {parameters}").ToString(), StringComparison.Ordinal);

    [Fact]
    public void A_table_of_options_may_be_a_custom_object_and_what_is_null_is_not_given()
    {
        var limits = (BusLimits)new LimitOptionsAttribute().Transform(null!, PSObject.AsPSObject(_runspace.RunOne("[pscustomobject]@{ MaxRestarts = 3; max_pending_per_client = $null }")!))!;
        Assert.Equal((3, new BusLimits().MaxPendingPerClient), (limits.MaxRestarts, limits.MaxPendingPerClient));
    }

    [Fact]
    public void Two_open_buses_cannot_have_the_same_name()
    {
        _runspace.Run("$one = New-StdioBus kit $worker kit -Name same");
        Assert.Contains("same", _runspace.RunWithErrors("New-StdioBus kit $worker kit -Name same").OnlyError("BusInvalidArgument").ToString(), StringComparison.Ordinal);
        Assert.Single(BusRegistry.Open);
    }

    [Fact]
    [Trait("Covers", "A38")]
    public void What_if_starts_and_removes_nothing()
    {
        Assert.Empty(_runspace.Run("New-StdioBus kit $worker kit -Instances 3 -WhatIf"));
        Assert.Empty(BusRegistry.Open);
        Assert.Contains("kit (3 × ", _runspace.Host.Shown, StringComparison.Ordinal);
        _runspace.Run("$bus = Start-Kit; Remove-StdioBus $bus -WhatIf");
        Assert.Equal(BusState.Running, _runspace.RunOne("$bus.State"));
        _runspace.Run("Remove-StdioBus $bus -Confirm:$false");
        Assert.Equal(BusState.Stopped, _runspace.RunOne("$bus.State"));
    }

    [Fact]
    public void A_listener_reports_the_port_that_was_chosen()
    {
        var bus = Assert.IsType<Bus>(_runspace.RunOne("New-StdioBus kit $worker kit -ListenMode Tcp -TcpPort 0"));
        Assert.Equal(ListenMode.Tcp, bus.ListenMode);
        Assert.Matches(@"127\.0\.0\.1:[1-9]\d+$", bus.ListenEndpoint);
        if (!Socket.OSSupportsUnixDomainSockets)
            return;
        string socket = Path.Combine(_folder, "bus.sock");
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
        _runspace.Run("$unix = New-StdioBus kit $worker kit -ListenMode Unix -UnixPath bus.sock");
        Assert.True(File.Exists(socket));
        _runspace.Run("Remove-StdioBus $unix");
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public void Not_started_a_bus_refuses_calls_and_says_why()
    {
        _runspace.Run("$bus = [StdioBus.StdioBusBuilder]::new().Pool('kit', $worker, [string[]]'kit', 1).Build()");
        Assert.Equal(BusState.Created, _runspace.RunOne("$bus.State"));
        Assert.Contains("not running", _runspace.RunWithErrors("Invoke-BusRequest echo").OnlyError("BusInvalidState").ToString(), StringComparison.Ordinal);
        _runspace.Run("$bus.StartAsync().Wait(); $null = Invoke-BusRequest echo; Remove-StdioBus $bus");
    }

    [Fact]
    public void Workers_see_the_variables_that_the_script_has_set_and_not_those_it_has_removed()
    {
        Shim.Write(_folder, "kit-worker", WorkerProgram.Path);
        string? path = Environment.GetEnvironmentVariable("PATH");
        string initial = OperatingSystem.IsWindows() ? "USERNAME" : "HOME"; // One that was there when the process began.
        string? value = Environment.GetEnvironmentVariable(initial);
        Assert.NotNull(value);
        try
        {
            _runspace.Run($"$env:KIT = 'set by the script'; $env:PATH = '{_folder}{Path.PathSeparator}' + $env:PATH; $bus = New-StdioBus kit kit-worker kit");
            Assert.Equal("set by the script", About<string>("env"));
            Assert.Empty(Assert.IsType<Bus>(_runspace.RunOne("$bus")).Pools[0].Environment);
            _runspace.Run("$own = New-StdioBus own kit-worker kit -Environment @{ KIT = 'of the pool' }");
            Assert.Equal("of the pool", About<string>("env"));
            Assert.Equal("[null]", _runspace.RunOne($"$env:{initial} = $null; $none = New-StdioBus none $worker; Invoke-BusRequest variables @{{ names = @('{initial}') }} -Raw"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
            Environment.SetEnvironmentVariable(initial, value);
            Environment.SetEnvironmentVariable("KIT", null);
        }
    }

    [Fact]
    public void Options_of_the_stdio_bus_envelope_are_written_by_hashtable()
    {
        _runspace.Run("$bus = New-StdioBus kit $worker kit -Envelope StdioBus");
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ a = 1 } -AgentId x -Identity @{ SubjectId = 'me'; Role = 'admin' } -Audit @{ EventId = 'e1'; Action = 'a' }).a"));
        Assert.Contains("It may have: SubjectId", _runspace.RunToError("Invoke-BusRequest echo -Identity @{ Name = 1 }").ToString(), StringComparison.Ordinal);
        _runspace.Run("$plain = New-StdioBus kit $worker kit");
        Assert.Contains("nvelope", _runspace.RunWithErrors("Invoke-BusRequest echo -AgentId x -Bus $plain").OnlyError("BusInvalidArgument").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Covers", "A38")]
    public void Verbose_shows_the_kernels_log_and_what_workers_say_while_it_waits()
    {
        ScriptRun run = _runspace.RunWithErrors("$bus = New-StdioBus kit $worker kit -Verbose; Invoke-BusRequest exit @{ code = 4; stderr = 'last words' } -Verbose -ErrorAction SilentlyContinue");
        Assert.Contains(run.Verbose, line => line.Message.Contains("last words", StringComparison.Ordinal));
        Assert.Empty(_runspace.RunWithErrors("$null = Invoke-BusRequest echo @{}").Verbose);
    }

    [Fact]
    public void The_builder_works_from_a_script()
    {
        Assert.Equal("kit", _runspace.RunOne("""
            $b = [StdioBus.StdioBusBuilder]::new().Pool('kit', $worker, [string[]]'kit', 1).Backend('Native').Timeout([timespan]::FromSeconds(5)).BuildSync()
            $b.Start()
            try { (Invoke-BusRequest echo @{ name = 'kit' } -Bus $b).name } finally { $b.Dispose() }
            """));
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("0.5", 0.5)]
    [InlineData("[timespan]::FromSeconds(5)", 5)]
    public void A_time_in_the_builder_is_a_TimeSpan_or_a_number_of_seconds(string time, double expected)
    {
        Assert.Equal(expected, _runspace.RunOne($$"""
            $b = [StdioBus.StdioBusBuilder]::new().Pool('kit', $worker, [string[]]'kit', 1).Timeout({{time}}).Build()
            try { $b.Timeout.TotalSeconds } finally { $b.Dispose() }
            """));
    }

    [Fact]
    public void The_limit_of_a_clients_requests_is_a_limit_like_the_others()
    {
        _runspace.Run("$null = New-StdioBus kit $worker kit -Limit @{ MaxPendingPerClient = 7 }");
        ScriptRun refused = _runspace.RunWithErrors("New-StdioBus kit $worker kit -Limit @{ max_pending_per_client = 0 }");
        Assert.Contains("max_pending_per_client", Assert.Single(refused.Errors).ToString(), StringComparison.Ordinal);
    }
}
