using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class RequestTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public RequestTests() => _runspace.Run("$bus = Start-Kit");

    public void Dispose() => _runspace.Dispose();

    [Fact]
    public void A_request_gives_its_result_as_an_object()
    {
        var result = Assert.IsType<PSObject>(_runspace.RunOne("Invoke-BusRequest echo @{ message = 'hello'; n = 3 }"));
        Assert.Equal("hello", result.Properties["message"].Value);
        Assert.Equal(3L, result.Properties["n"].Value);
    }

    [Fact]
    public void A_null_result_is_one_null_and_an_array_is_one_object()
    {
        Assert.Null(Assert.Single(_runspace.Run("Invoke-BusRequest echo")));
        Assert.Equal(3, _runspace.RunOne("$r = 1..3 | ForEach-Object { $null } | Invoke-BusRequest echo; $r.Count"));
        Assert.Equal<object?>([1L, "two", null], Assert.IsType<object?[]>(_runspace.RunOne("Invoke-BusRequest echo @(1, 'two', $null)")));
        Assert.Empty(Assert.IsType<object[]>(_runspace.RunOne("Invoke-BusRequest echo @()")));
    }

    [Fact]
    public void The_result_comes_as_dictionary_or_as_text_when_asked()
    {
        var table = Assert.IsType<OrderedDictionary>(_runspace.RunOne("""Invoke-BusRequest echo '{"b":1,"B":2,"":3}' -AsHashtable"""));
        Assert.Equal(["b", "B", ""], table.Keys.Cast<string>());
        Assert.Equal("""{"x": 1.00}""", _runspace.RunOne("""Invoke-BusRequest echo '{"x": 1.00}' -Raw"""));
    }

    [Fact]
    [Trait("Covers", "A36")]
    public void Members_that_a_custom_object_cannot_hold_are_an_error_that_names_the_way_out()
    {
        ErrorRecord error = _runspace.RunWithErrors("""Invoke-BusRequest echo '{"b":1,"B":2}'""").OnlyError("BusResultUnreadable");
        Assert.Contains("'b' and 'B'", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("-AsHashtable", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.IsAssignableFrom<StdioBusException>(error.Exception);
    }

    [Fact]
    [Trait("Covers", "A36")]
    public void Params_go_out_and_come_back_unchanged()
    {
        object? result = _runspace.RunOne("""
            $deep = 'bottom'
            foreach ($i in 1..200) { $deep = @{ d = $deep } }
            $odd = [char]0xD83D + 'x'
            $r = Invoke-BusRequest echo ([ordered]@{
                big = [bigint]::Pow(2, 100); dec = 1.10d; dbl = 2.0; when = [datetime]::new(2026, 1, 2, 3, 4, 5, [DateTimeKind]::Utc)
                day = [DayOfWeek]::Friday; bytes = [byte[]](1, 2, 255); none = $null; deep = $deep; odd = $odd; '' = 1
                item = [pscustomobject]@{ a = 1 } }) -AsHashtable
            $d = $r.deep
            foreach ($i in 1..199) { $d = $d.d }
            $r.big -eq [bigint]::Pow(2, 100) -and $r.dec -eq 1.1 -and $r.dbl -is [double] -and $r.when -ceq '2026-01-02T03:04:05.0000000Z' -and
                $r.day -ceq 'Friday' -and $r.bytes -ceq 'AQL/' -and $null -eq $r.none -and $d.d -ceq 'bottom' -and $r.odd -ceq $odd -and
                $r[''] -eq 1 -and $r.item.a -eq 1 -and ($r.Keys -join ',') -ceq 'big,dec,dbl,when,day,bytes,none,deep,odd,,item'
            """);
        Assert.Equal(true, result);
    }

    [Fact]
    [Trait("Covers", "A36")]
    public void A_string_of_ten_megabytes_goes_both_ways()
    {
        Assert.Equal(10_000_000, _runspace.RunOne("""
            Start-Kit big -With @{ Limit = @{ MaxInputBuffer = 64MB; MaxOutputQueue = 256MB } } | ForEach-Object {
                (Invoke-BusRequest echo @{ text = 'é' * 5000000 + '"' * 5000000 } -Bus $_).text.Length
            }
            """));
    }

    [Fact]
    [Trait("Covers", "A36")]
    public void An_instance_of_a_class_of_the_script_gives_its_properties()
    {
        Assert.Equal("""{"X":3,"Y":["y"]}""", _runspace.RunOne("class Point { [int] $X = 3; [string[]] $Y = 'y' }; Invoke-BusRequest echo ([Point]::new()) -Raw"));
    }

    [Theory]
    [InlineData("@{ file = Get-Item / }", "$.file is a System.IO.DirectoryInfo")]
    [InlineData("@{ a = @{ n = [double]::NaN } }", "$.a.n is NaN")]
    [InlineData("'plain text'", "begins with neither { nor [")]
    [InlineData("'{\"a\":}'", "not one JSON value")]
    [InlineData("5", "not a System.Int32")]
    [InlineData("& { $h = @{}; $h.self = $h; $h }", "$.self contains itself")]
    public void Params_that_have_no_json_form_end_the_command_with_a_clear_error(string parameters, string expected)
    {
        // The bare engine has no Get-Item.
        string script = parameters.Replace("Get-Item /", "[IO.DirectoryInfo]'/'", StringComparison.Ordinal);
        ScriptRun run = _runspace.RunWithErrors($"Invoke-BusRequest echo ({script}); 'went on'");
        ErrorRecord error = run.OnlyError("BusInvalidParams");
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("-Params: ", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidData, error.CategoryInfo.Category);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void An_error_of_the_worker_keeps_its_code_data_and_target()
    {
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest fail @{ code = -32050; message = 'no luck'; data = @{ why = 1 } } -Pool kit").OnlyError("BusRpcError");
        var exception = Assert.IsType<BusRpcException>(error.Exception);
        Assert.Equal((-32050, """{"why":1}""", "fail", "kit"), (exception.RpcCode, exception.RpcData.ToString(), exception.Method, exception.Pool));
        Assert.Equal("no luck", exception.Message);
        Assert.IsType<Hashtable>(error.TargetObject);
        Assert.Equal("no luck", error.ToString());
        Assert.Contains("\"message\":\"no luck\"", error.CategoryInfo.TargetName, StringComparison.Ordinal);
        Assert.Equal(1L, _runspace.RunOne("try { Invoke-BusRequest fail @{ code = -32050; message = 'm'; data = @{ why = 1 } } -Pool kit -ErrorAction Stop } catch [StdioBus.BusRpcException] { $_.Exception.RpcData.why }"));
        Assert.Equal(ErrorCategory.InvalidResult, error.CategoryInfo.Category);
        Assert.StartsWith("Pool 'kit' answered 'fail' with the error -32050;", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_among_many_names_the_input_that_failed()
    {
        ScriptRun run = _runspace.RunWithErrors("1, 2 | ForEach-Object { [ordered]@{ code = 7; message = 'no luck'; file = $_ } } | Invoke-BusRequest fail -Ordered");
        Assert.Equal(
            ["""no luck|The input was {"code":7,"message":"no luck","file":1}""", """no luck|The input was {"code":7,"message":"no luck","file":2}"""],
            run.Errors.Select(error => error.ToString().ReplaceLineEndings("|")));
    }

    [Fact]
    [Trait("Covers", "L7")]
    public void A_worker_that_exits_fails_its_request_at_once_with_exit_code_and_last_words()
    {
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest exit @{ code = 3; stderr = 'disk full' }").OnlyError("BusWorkerExited");
        Assert.Contains("disk full", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("3", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("kit", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_timeout_says_so_and_the_bus_goes_on()
    {
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest hold @{} -Timeout 0.2").OnlyError("BusTimeout");
        Assert.Equal(ErrorCategory.OperationTimeout, error.CategoryInfo.Category);
        Assert.IsType<BusTimeoutException>(error.Exception);
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 }).ok"));
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void Without_a_method_the_pools_default_method_is_called_else_its_id()
    {
        _runspace.Run("$two = New-StdioBus -PoolConfig @{ Id = 'echo'; Command = $worker; Args = 'kit' }, @{ Id = 'b'; Command = $worker; Args = 'kit'; DefaultMethod = 'about' }");
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest -Pool echo -Params @{ n = 1 }).n"));
        Assert.True((long)_runspace.RunOne("(Invoke-BusRequest -Pool b).pid")! > 0);
        _runspace.RunWithErrors("Invoke-BusRequest -Params @{}").OnlyError("BusInvalidArgument");
        Assert.Contains("is no method", _runspace.RunToError("Invoke-BusRequest -Pool b @{ n = 1 }").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Covers", "L8")]
    public void A_pool_that_does_not_exist_is_an_error_that_lists_those_that_do()
    {
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest echo -Pool nope").OnlyError("BusPoolNotFound");
        Assert.Equal($"The bus '{_runspace.RunOne("$bus.Name")}' has no pool 'nope'. Its pools: kit.", error.ToString());
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
    }

    [Fact]
    public void A_bus_that_was_removed_is_a_clear_error()
    {
        _runspace.Run("Remove-StdioBus $bus");
        foreach (string command in new[] { "Invoke-BusRequest echo", "Invoke-BusStream echo", "Send-BusNotification x", "Register-BusSubscription", "Get-BusWorker", "Select-StdioBus" })
        {
            ErrorRecord error = _runspace.RunWithErrors(command + " -Bus $bus").OnlyError("BusInvalidState");
            Assert.Contains("was removed", error.ToString(), StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.InvalidOperation, error.CategoryInfo.Category);
        }
    }

    [Fact]
    public void The_session_keeps_its_worker_and_the_bus_may_be_named()
    {
        Assert.Equal(1, _runspace.RunOne("""
            $four = Start-Kit four 4
            $pids = 1..12 | ForEach-Object { (Invoke-BusRequest about -SessionId s1 -Bus $four.Name).pid }
            @($pids | ForEach-Object { $_ } | & { begin { $seen = @{} } process { $seen[$_] = 1 } end { $seen.Keys } }).Count
            """));
    }

    [Fact]
    public void Progress_is_shown_while_the_request_runs_and_taken_away_at_its_end()
    {
        Assert.Equal(true, _runspace.RunOne("(Invoke-BusRequest progress @{ steps = 3 } -ReportProgress).asked"));
        Assert.Equal(false, _runspace.RunOne("(Invoke-BusRequest progress @{ steps = 3 }).asked"));
        ScriptRun run = _runspace.RunWithErrors("$null = Invoke-BusRequest progress @{ steps = 50 } -ReportProgress");
        Assert.NotEmpty(run.Progress);
        Assert.Contains(run.Progress, record => record.RecordType == ProgressRecordType.Processing && record.StatusDescription.StartsWith("step ", StringComparison.Ordinal) && record.PercentComplete > 0);
        Assert.Equal(ProgressRecordType.Completed, run.Progress[^1].RecordType);
        Assert.Equal("progress", run.Progress[^1].Activity);
        Assert.Empty(_runspace.RunWithErrors("$null = Invoke-BusRequest progress @{ steps = 50 } -ReportProgress -ProgressAction SilentlyContinue").Progress);
    }
}
