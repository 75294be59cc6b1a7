using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>The parameters and preferences that every command of PowerShell has work here as everywhere.</summary>
[Trait("Covers", "A38")]
public sealed class CommonParameterTests : IDisposable
{
    // The places of the answers in the question that -Confirm asks.
    private const int Yes = 0;
    private const int No = 2;

    private readonly TestHost _host = new();
    private readonly TestRunspace _runspace;

    public CommonParameterTests() => _runspace = new TestRunspace(_host);

    public void Dispose() => _runspace.Dispose();

    [Fact]
    public void Errors_are_ignored_collected_and_made_terminating()
    {
        _runspace.Run("$bus = Start-Kit; $Error.Clear(); $bad = 1..3 | ForEach-Object { @{ n = $_; bad = $_ } }");
        Assert.Equal([0, 3], _runspace.Run("""
            $bad | Invoke-BusRequest fail-on -ErrorAction Ignore -ErrorVariable kept; $Error.Count
            $null = Invoke-BusRequest nosuch -ErrorAction SilentlyContinue -ErrorVariable +kept; $null = Invoke-BusRequest nosuch -ErrorAction SilentlyContinue -ErrorVariable +kept
            Invoke-BusRequest nosuch -ErrorAction SilentlyContinue -ErrorVariable +kept; @($kept | Where-Object CategoryInfo).Count
            """).Select(item => item.BaseObject));
        Assert.Equal(false, _runspace.RunOne("$null = Invoke-BusRequest nosuch -ErrorAction SilentlyContinue; $?"));
        Assert.StartsWith("BusRpcError,", _runspace.RunToError("Invoke-BusRequest nosuch -ErrorAction Stop").FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("BusRpcError,", _runspace.RunToError("$ErrorActionPreference = 'Stop'; $bad | Invoke-BusStream fail-on").FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void Output_is_kept_in_variables_as_it_comes()
    {
        _runspace.Run("$bus = Start-Kit");
        Assert.Equal(
            ["1", "2", "ab", "abc"],
            _runspace.Run("""
                @{ n = 1 }, @{ n = 2 } | Invoke-BusRequest echo -OutVariable kept -Ordered | ForEach-Object { "$($kept.Count)" }
                $null = Invoke-BusStream stream @{ chunks = 'a', 'b' } -TextOnly -OutVariable text; $text -join ''
                $null = Invoke-BusStream stream @{ chunks = , 'c' } -TextOnly -OutVariable +text; $text -join ''
                """).Select(item => item.BaseObject));
        Assert.Equal("7 again 7", _runspace.RunOne("Invoke-BusRequest echo @{ n = 7 } -PipelineVariable first | ForEach-Object { 'again' } | ForEach-Object { \"$($first.n) $_ $($first.n)\" }"));
    }

    [Fact]
    public void Progress_is_shown_silenced_and_ignored()
    {
        _runspace.Run("$bus = Start-Kit");
        const string Call = "$null = Invoke-BusRequest progress @{ steps = 5 } -ReportProgress";
        Assert.NotEmpty(_runspace.RunWithErrors(Call).Progress);
        Assert.Empty(_runspace.RunWithErrors(Call + " -ProgressAction Ignore").Progress);
        Assert.Empty(_runspace.RunWithErrors($"& {{ $ProgressPreference = 'SilentlyContinue'; {Call} }}").Progress);
        Assert.NotEmpty(_runspace.RunWithErrors($"& {{ $ProgressPreference = 'SilentlyContinue'; {Call} -ProgressAction Continue }}").Progress);
    }

    [Fact]
    public void Verbose_goes_by_the_parameter_and_else_by_the_preference()
    {
        Assert.NotEmpty(_runspace.RunWithErrors("$bus = New-StdioBus kit $worker kit -NoStart; Start-StdioBus -Verbose").Verbose);
        Assert.NotEmpty(_runspace.RunWithErrors("& { $VerbosePreference = 'Continue'; Restart-BusWorker 0 }").Verbose);
        Assert.Empty(_runspace.RunWithErrors("& { $VerbosePreference = 'Continue'; Restart-BusWorker 0 -Verbose:$false }").Verbose);
        Assert.Equal(true, _runspace.RunOne("(Stop-StdioBus -Verbose 4>&1 | ForEach-Object { $_ -is [Management.Automation.VerboseRecord] }) -contains $true"));
    }

    [Fact]
    public void What_is_refused_is_not_done_and_what_is_confirmed_is()
    {
        var asked = new List<string>();
        int answer = No;
        _host.OnChoice = question =>
        {
            asked.Add(question);
            return answer;
        };
        _runspace.Run("New-StdioBus kit $worker kit -Confirm");
        Assert.Empty(BusRegistry.Open);
        var bus = (Bus)_runspace.RunOne("$bus = New-StdioBus kit $worker kit -NoStart -Name mine; $bus")!;
        _runspace.Run("Start-StdioBus -Confirm; Connect-StdioBus -Confirm");
        Assert.Equal(BusState.Created, bus.State);
        _runspace.Run("Start-StdioBus; $null = Invoke-BusRequest echo @{}; $pid0 = (Get-BusWorker).ProcessId");
        _runspace.Run("Restart-BusWorker 0 -Confirm; Stop-BusWorker 0 -Confirm; Stop-StdioBus -Confirm; Remove-StdioBus -Confirm");
        Assert.Equal(true, _runspace.RunOne("(Get-BusWorker).ProcessId -eq $pid0"));
        Assert.Equal(7, asked.Count);
        Assert.All(asked.Skip(1), question => Assert.Contains("mine", question, StringComparison.Ordinal));

        answer = Yes;
        _runspace.Run("Restart-BusWorker 0 -Confirm");
        Assert.Equal(false, _runspace.RunOne("(Get-BusWorker).ProcessId -eq $pid0"));
        _runspace.Run("& { $ConfirmPreference = 'Low'; Remove-StdioBus mine }");
        Assert.Empty(BusRegistry.Open);
        Assert.Equal(9, asked.Count);
    }

    [Fact]
    public void The_preference_for_what_if_is_heeded()
    {
        _runspace.Run("$bus = Start-Kit; & { $WhatIfPreference = $true; New-StdioBus other $worker kit; Restart-BusWorker 0; Stop-StdioBus; Remove-StdioBus $bus }");
        Assert.Equal((1, BusState.Running), (BusRegistry.Open.Count, BusRegistry.Open[0].State));
        Assert.Equal(true, _runspace.RunOne("(Get-BusWorker).Restarts -eq 0"));
    }
}
