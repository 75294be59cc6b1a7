using System.Management.Automation;
using System.Management.Automation.Runspaces;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "L3")]
public sealed class HandlerTests : IDisposable
{
    private readonly TestHost _host = new();
    private readonly TestRunspace _runspace;
    private readonly Bus _bus;

    public HandlerTests()
    {
        _runspace = new TestRunspace(_host);
        _bus = Assert.IsType<Bus>(_runspace.RunOne("$bus = Start-Kit; $bus"));
    }

    public void Dispose() => _runspace.Dispose();

    // Runs until it is stopped, and says when it has begun and when it has ended.
    private const string Endless = "{ $begun, $ended = $using:begun, $using:ended; try { $null = $begun.Release(); while ($true) { $null = [Threading.Thread]::Yield() } } finally { $null = $ended.Release() } }";

    private static void Await(SemaphoreSlim signal) => Assert.True(signal.Wait(TestRunspace.Deadline), "the signal did not come within the deadline");

    [Theory]
    [InlineData("{ @{ sum = $_.Params.a + $_.Params.b } }", """{"sum":3}""")]
    [InlineData("{ param($request) $request.Method, $request.Pool, $request.WorkerId }", """["q","kit",0]""")]
    [InlineData("{ }", "null")]
    [InlineData("{ $null }", "null")]
    [InlineData("{ , @(7) }", "[7]")]
    [InlineData("{ 12345678901234567890; 'text' }", """[12345678901234567890,"text"]""")]
    [InlineData("{ [ordered]@{ outcome = [ordered]@{ outcome = 'selected'; optionId = 'a' } } }", """{"outcome":{"outcome":"selected","optionId":"a"}}""")]
    [InlineData("{ $args[1..2] -join '-' } -ArgumentList 'x', 'y'", "\"x-y\"")]
    [InlineData("{ $using:text + $using:table.key + $USING:list[1] }", "\"tv2\"")]
    public void What_the_script_block_writes_is_the_result(string block, string result)
    {
        _runspace.Run($"$text = 't'; $table = @{{ key = 'v' }}; $list = 1, 2; $null = Register-BusHandler q {block}");
        Assert.Equal(
            $$"""{"jsonrpc":"2.0","id":"ask-1","result":{{result}}}""",
            _runspace.RunOne("Invoke-BusRequest ask @{ method = 'q'; params = @{ a = 1; b = 2 } } -Raw"));
    }

    [Theory]
    [InlineData("{ throw 'not today' }", -32603L, "not today")]
    [InlineData("{ Get-Command no-such-thing -ErrorAction Stop; 1 }", -32603L, "The term 'no-such-thing' is not recognized")]
    [InlineData("{ [int]'word'; 1 }", -32603L, "Cannot convert value \"word\"")]
    [InlineData("{ throw [StdioBus.JsonRpcErrorException]::new(-32042, 'ask later') }", -32042L, "ask later")]
    [InlineData("{ throw [StdioBus.BusPolicyException]::new('never') }", 7L, "never")]
    [InlineData("{ [IO.FileInfo]'/x' }", -32603L, "FileInfo")]
    public void What_ends_the_script_block_is_the_error(string block, long code, string message)
    {
        _runspace.Run($"$null = Register-BusHandler q {block}; $answer = Invoke-BusRequest ask @{{ method = 'q' }}");
        Assert.Equal(code, _runspace.RunOne("$answer.error.code"));
        Assert.Contains(message, (string)_runspace.RunOne("$answer.error.message")!, StringComparison.Ordinal);
        Assert.Equal((0L, 1L), (_runspace.RunOne("(Get-BusHandler).Handled"), _runspace.RunOne("(Get-BusHandler).Failed")));
    }

    [Fact]
    public void What_ends_the_script_block_is_shown_with_its_place_unless_it_was_chosen()
    {
        _runspace.Run("$null = Register-BusHandler q {\n  no-such-thing }; $null = Register-BusHandler chosen { throw [StdioBus.JsonRpcErrorException]::new(1, 'chosen') }");
        _runspace.Run("$null = Invoke-BusRequest ask @{ method = 'chosen' }; $null = Invoke-BusRequest ask @{ method = 'q' }");
        Assert.Contains("The handler of 'q': The term 'no-such-thing' is not recognized", _host.Shown, StringComparison.Ordinal);
        Assert.Contains("line 2", _host.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("chosen", _host.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("System.Management", (string)_runspace.RunOne("@(Get-BusLog)[-1].Text")!, StringComparison.Ordinal);
    }

    [Fact]
    public void Warnings_and_errors_that_do_not_end_it_are_shown_in_the_host()
    {
        _runspace.Run("$null = Register-BusHandler q { [CmdletBinding()] param($request) Get-Command no-such-thing; $PSCmdlet.WriteWarning('look out'); 1 }");
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'q' }).result"));
        Assert.Equal(2, _host.Shown.Split("The handler of 'q': The term 'no-such-thing'").Length);
        Assert.Equal(2, _host.Shown.Split("look out").Length);
    }

    [Fact]
    public void Exit_ends_the_script_not_the_program_and_is_no_answer()
    {
        _runspace.Run("$null = Register-BusHandler bye { if ($_.Params.leave) { exit 3 }; 'stays' }");
        for (int i = 0; i < 2; i++)
        {
            _runspace.Run("$left = (Invoke-BusRequest ask @{ method = 'bye'; params = @{ leave = $true } }).error");
            Assert.Equal((-32603L, "The script called exit 3, which is no answer: return a result, or throw an error."), (_runspace.RunOne("$left.code"), _runspace.RunOne("$left.message")));
            Assert.Equal("stays", _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'bye'; params = @{} }).result"));
        }

        Assert.Null(_host.ExitCode);
        Assert.Contains("The handler of 'bye': The script called exit 3", _host.Shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("@{ code = -32001; message = 'not here'; data = @{ path = '/x' } }", -32001, "not here", "{\"path\":\"/x\"}")]
    [InlineData("@{ code = 7; message = 'seven' }", 7, "seven", null)]
    [InlineData("@{ message = 'no code' }", -32603, "System.Collections.Hashtable", null)]
    [InlineData("@{ code = 'x'; message = 'no number' }", -32603, "System.Collections.Hashtable", null)]
    public void A_thrown_hashtable_chooses_the_error_in_any_language_mode(string thrown, long code, string message, string? data)
    {
        foreach (string mode in new[] { "ConstrainedLanguage", "FullLanguage" })
        {
            _runspace.Runspace.SessionStateProxy.LanguageMode = Enum.Parse<PSLanguageMode>(mode);
            _runspace.Run($"$handler = Register-BusHandler q {{ throw {thrown} }}; $answer = Invoke-BusRequest ask @{{ method = 'q' }}; Unregister-BusHandler $handler");
            Assert.Equal((code, message), (_runspace.RunOne("$answer.error.code"), _runspace.RunOne("$answer.error.message")));
            Assert.Equal(data, _runspace.Run("if ($null -ne $answer.error.data) { Invoke-BusRequest echo $answer.error.data -Raw }").SingleOrDefault()?.BaseObject);
        }
    }

    [Fact]
    public void A_bus_from_the_pipeline_gets_the_handler()
    {
        Assert.Same(_runspace.RunOne("$bus"), _runspace.RunOne("($bus | Register-BusHandler q { 1 }).Bus"));
        ScriptRun run = _runspace.RunWithErrors("('nope', $bus | Register-BusHandler r { 2 }).Method");
        run.OnlyError("BusNotFound");
        Assert.Null(run.Terminating);
        Assert.Equal("r", Assert.Single(run.Output).BaseObject);
    }

    [Fact]
    public void A_request_that_no_handler_matches_is_refused_at_once()
    {
        _runspace.Run("$null = Register-BusHandler 'session/*' { 'handled' }");
        Assert.Equal("handled", _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'session/request_permission' }).result"));
        Assert.Equal(-32601L, _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'other' }).error.code"));
        _runspace.RunWithErrors("Register-BusHandler q { } -Pool nope").OnlyError("BusPoolNotFound");
        _runspace.RunWithErrors("Register-BusHandler q { $using:nowhere }").OnlyError("BusInvalidArgument");
    }

    [Fact]
    public void It_may_ask_the_person_at_the_host_while_a_command_waits()
    {
        _host.OnReadLine = () => "yes";
        _runspace.Run("$null = Register-BusHandler q { $Host.UI.ReadLine() }");
        Assert.Equal("yes", _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'q' }).result"));
    }

    [Fact]
    public void Many_at_once_are_answered_by_a_few_runspaces_and_none_sees_what_another_left()
    {
        _runspace.Run("$null = Register-BusHandler q { if ($global:left) { throw 'left behind' }; $global:left = 1; [runspace]::DefaultRunspace.InstanceId }");
        Guid[] used = _runspace.Run("Invoke-BusRequest ask @{ method = 'q'; count = 100 } | ForEach-Object { $_ } | ForEach-Object result")
            .Select(item => Guid.Parse((string)item.BaseObject)).ToArray();
        Assert.Equal(100, used.Length);
        Assert.InRange(used.Distinct().Count(), 1, 8);
        Assert.DoesNotContain(_runspace.Runspace.InstanceId, used);
    }

    [Fact]
    public void It_has_the_language_mode_of_the_runspace_that_registered_it()
    {
        _runspace.Runspace.SessionStateProxy.LanguageMode = PSLanguageMode.ConstrainedLanguage;
        _runspace.Run("$null = Register-BusHandler q { $ExecutionContext.SessionState.LanguageMode }; $null = Register-BusHandler file { [IO.File]::Exists('/') }");
        for (int i = 0; i < 2; i++)
            Assert.Equal("ConstrainedLanguage", _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'q' }).result"));
        Assert.Equal(-32603L, _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'file' }).error.code"));
    }

    [Theory]
    [InlineData("Send-BusNotification retract")]
    [InlineData("try { Invoke-BusRequest exit @{ code = 3 } } catch { }")]
    [InlineData("Remove-StdioBus")]
    [InlineData("Remove-Module StdioBus")]
    public void It_is_stopped_when_nobody_waits_for_its_answer_any_more(string end)
    {
        using var begun = new SemaphoreSlim(0);
        using var ended = new SemaphoreSlim(0);
        _runspace.Run($"$null = Register-BusHandler q {Endless}", ("begun", begun), ("ended", ended));
        using var other = new TestRunspace();
        using RunningScript asking = other.Start("Invoke-BusRequest ask @{ method = 'q' } -Timeout Infinite");
        Await(begun);
        _runspace.RunWithErrors(end);
        Await(ended);
    }

    [Theory]
    [InlineData("Invoke-BusRequest ask @{ method = 'q' } -Timeout 1 -ErrorAction SilentlyContinue")]
    [InlineData("Invoke-BusStream ask @{ method = 'q' } -Timeout 1 -ErrorAction SilentlyContinue")]
    [InlineData("Invoke-BusStream ask @{ method = 'q' }")]
    public void It_is_stopped_when_what_it_serves_times_out_or_is_stopped(string command)
    {
        using var begun = new SemaphoreSlim(0);
        using var ended = new SemaphoreSlim(0);
        _runspace.Run($"$null = Register-BusHandler q {Endless}", ("begun", begun), ("ended", ended));
        using var other = new TestRunspace();
        using RunningScript asking = other.Start(command);
        Await(begun);
        if (!command.Contains("-Timeout", StringComparison.Ordinal))
            asking.Stop();
        Await(ended);
        Assert.True(SpinWait.SpinUntil(() => _bus.Handlers[0].Failed == 1, TestRunspace.Deadline));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ n = 1 }).n"));
    }

    [Fact]
    public void It_goes_with_its_runspace_and_the_bus_stays()
    {
        using var begun = new SemaphoreSlim(0);
        using var ended = new SemaphoreSlim(0);
        Runspace closing = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
        closing.Open();
        closing.SessionStateProxy.SetVariable("bus", _bus);
        closing.SessionStateProxy.SetVariable("begun", begun);
        closing.SessionStateProxy.SetVariable("ended", ended);
        using (PowerShell shell = PowerShell.Create(closing))
            shell.AddScript($"Import-Module {ProductFolder.Manifest}; $null = Register-BusHandler q {Endless} -Bus $bus").Invoke();

        using RunningScript asking = _runspace.Start("(Invoke-BusRequest ask @{ method = 'q' } -Timeout Infinite).error.code");
        Await(begun);
        closing.Dispose();
        Await(ended);
        Assert.Equal(-32603L, Assert.Single(asking.Finish()).BaseObject);
        Assert.Empty(_bus.Handlers);
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ n = 1 }).n"));
    }

    [Fact]
    public void Unregistered_it_answers_what_it_has_and_nothing_more()
    {
        using var begun = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        _runspace.Run("$handler = Register-BusHandler q { $begun, $go = $using:begun, $using:go; $null = $begun.Release(); $go.Wait(); 'last' }", ("begun", begun), ("go", go));
        using var other = new TestRunspace();
        using RunningScript asking = other.Start("(Invoke-BusRequest ask @{ method = 'q' }).result");
        Await(begun);
        _runspace.Run("$handler | Unregister-BusHandler; Unregister-BusHandler $handler");
        Assert.Equal(-32601L, _runspace.RunOne("(Invoke-BusRequest ask @{ method = 'q' }).error.code"));
        Assert.Empty(_runspace.Run("Get-BusHandler"));
        go.Release();
        Assert.Equal("last", Assert.Single(asking.Finish()).BaseObject);
    }

    [Fact]
    public void They_are_listed_by_method_and_pool()
    {
        _runspace.Run("$null = Register-BusHandler 'session/*' { }; $null = Register-BusHandler fs/read { } -Pool kit");
        Assert.Equal(["session/*", "fs/read"], _runspace.Run("$bus | Get-BusHandler | ForEach-Object Method").Select(item => item.BaseObject));
        Assert.Equal("fs/read", _runspace.RunOne("(Get-BusHandler fs*, nothing*).Method"));
        Assert.Equal("fs/read", _runspace.RunOne("(Get-BusHandler -Pool kit).Method"));
    }
}
