using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A7")]
public sealed class HelloTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    // The default mode of the test worker agrees to every version but "none", and to all extensions.
    private const string Agent = "$bus = New-StdioBus agent $worker";

    [Fact]
    public void A_handshake_returns_what_was_agreed_and_gives_the_bus_its_agent_session()
    {
        _runspace.Run(Agent);
        Assert.Null(Assert.Single(_runspace.Run("$bus.AgentSessionId")));
        var hello = Assert.IsType<HelloResult>(_runspace.RunOne("Connect-StdioBus -ProtocolVersion 0.2.0 -Extension ([ordered]@{ identity = '1.0'; audit = @{ Version = '2.0'; Required = $true }; any = $null })"));
        Assert.Equal(("0.2.0", "agent-session"), (hello.NegotiatedProtocolVersion, hello.SessionId));
        Assert.Equal(["any", "audit=2.0", "identity=1.0"], hello.Extensions.Select(one => one.Value is null ? one.Key : $"{one.Key}={one.Value}").Order(StringComparer.Ordinal));
        Assert.Equal("agent-session", _runspace.RunOne("$bus.AgentSessionId"));
        Assert.Equal("0.1.0", _runspace.RunOne("($bus | Connect-StdioBus agent -Extension identity, audit).NegotiatedProtocolVersion"));
    }

    [Fact]
    public void A_bus_that_was_not_started_is_started_first()
    {
        _runspace.Run(Agent + " -NoStart; $hello = Connect-StdioBus");
        Assert.Equal("agent-session", _runspace.RunOne("(Connect-StdioBus).SessionId"));
        Assert.Equal((BusState.Running, "agent-session"), (_runspace.RunOne("$bus.State"), _runspace.RunOne("$hello.SessionId")));
        _runspace.RunWithErrors("Stop-StdioBus; Connect-StdioBus").OnlyError("BusInvalidState");
    }

    [Fact]
    public void A_refusal_is_an_error_and_the_bus_goes_on()
    {
        _runspace.Run(Agent);
        ErrorRecord error = _runspace.RunWithErrors("Connect-StdioBus -ProtocolVersion none").OnlyError("BusNegotiationFailed");
        Assert.Equal(ErrorCategory.ProtocolError, error.CategoryInfo.Category);
        Assert.Same(_runspace.RunOne("$bus"), error.TargetObject);
        Assert.Equal(BusState.Running, _runspace.RunOne("$bus.State"));
    }

    [Fact]
    public void Of_several_buses_one_that_refuses_leaves_the_others_alone()
    {
        _runspace.Run(Agent + "; $kit = Start-Kit; $second = New-StdioBus agent $worker");
        ScriptRun run = _runspace.RunWithErrors("$bus, $kit, $second | Connect-StdioBus");
        Assert.Equal(2, run.Output.Count);
        Assert.Same(_runspace.RunOne("$kit"), run.OnlyError("BusRpcError").TargetObject);
    }

    [Fact]
    public void New_shakes_hands_when_asked_and_leaves_nothing_when_that_fails()
    {
        Assert.Equal("agent-session", _runspace.RunOne(Agent + " -Hello; $bus.AgentSessionId"));
        _runspace.Run("Remove-StdioBus");
        // The kit does not know the handshake.
        Assert.StartsWith("BusRpcError,", _runspace.RunToError("New-StdioBus kit $worker kit -Hello").FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void With_several_pools_one_must_be_named()
    {
        ErrorRecord error = _runspace.RunToError("'a', 'b' | ForEach-Object { New-BusPool $_ $worker } | New-StdioBus -Hello");
        Assert.Contains("several pools (a, b)", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Connect-StdioBus", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);
        _runspace.Run("$bus = 'a', 'b' | ForEach-Object { New-BusPool $_ $worker } | New-StdioBus");
        _runspace.RunWithErrors("Connect-StdioBus").OnlyError("BusInvalidArgument");
        _runspace.RunWithErrors("Connect-StdioBus c").OnlyError("BusPoolNotFound");
        Assert.Equal("agent-session", _runspace.RunOne("(Connect-StdioBus b).SessionId"));
    }

    [Theory]
    [InlineData("-Extension 5")]
    [InlineData("-Extension @{ a = 5 }")]
    [InlineData("-Extension @{ a = @{ Verson = '1' } }")]
    [InlineData("-ProtocolVersion ''")]
    [InlineData("-Timeout soon")]
    public void Bad_parameters_are_refused_before_anything_is_sent(string parameters)
    {
        _runspace.Run(Agent);
        Assert.Contains("Connect-StdioBus", _runspace.RunToError("Connect-StdioBus " + parameters).InvocationInfo.Line, StringComparison.Ordinal);
        Assert.Equal(0L, _runspace.RunOne("$bus.Statistics.Requests"));
    }

    [Fact]
    [Trait("Covers", "A33")]
    public void Ctrl_c_and_a_timeout_end_waiting_for_an_agent_that_does_not_answer()
    {
        _runspace.Run("$bus = New-StdioBus deaf $worker never-reads");
        _runspace.RunWithErrors("Connect-StdioBus -Timeout 0.05").OnlyError("BusTimeout");
        using (RunningScript script = _runspace.Start("'waiting'; Connect-StdioBus -Timeout Infinite"))
        {
            Assert.Equal("waiting", script.Next().BaseObject);
            Assert.InRange(script.Stop(), TimeSpan.Zero, RunningScript.AtOnce);
        }

        _runspace.Run("Remove-StdioBus -Force");
    }
}
