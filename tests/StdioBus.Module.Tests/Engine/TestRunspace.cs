using System.Collections;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Xunit;

namespace StdioBus.Module.Tests.Engine;

/// <summary>
/// A runspace of a real engine with the assembled module imported, as a user has it. Scripts find the path of the test
/// worker in <c>$worker</c> and a function <c>Start-Kit</c> that starts a bus of it; in <c>$quick</c>, for splatting, a program
/// of the system that does nothing but read its input to its end. At the end no bus may be left.
/// </summary>
internal sealed class TestRunspace : IDisposable
{
    /// <summary>How long anything may take before a test fails instead of hanging.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private const string Prelude = """
        function Start-Kit {
            param([string] $Pool = 'kit', [int] $Instances = 1, [hashtable] $With = @{})
            New-StdioBus -Pool $Pool -Command $worker -ArgumentList kit -Instances $Instances @With
        }
        """;

    private readonly Runspace _runspace;

    public TestRunspace(TestHost? host = null, bool import = true)
    {
        Host = host ?? new TestHost();
        InitialSessionState state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.Bypass;
        state.Variables.Add(new SessionStateVariableEntry("worker", WorkerProgram.Path, "the test worker"));
        Hashtable quick = OperatingSystem.IsWindows() ? new() { ["Command"] = "find", ["ArgumentList"] = "what is not there" } : new() { ["Command"] = "cat" };
        state.Variables.Add(new SessionStateVariableEntry("quick", quick, "a program that is there fast"));
        state.Commands.Add(new SessionStateCmdletEntry("Select-Object", typeof(SelectFirstStandIn), null));
        state.Commands.Add(new SessionStateCmdletEntry("Wait-DoneWork", typeof(WaitForDoneWorkCommand), null));
        _runspace = RunspaceFactory.CreateRunspace(Host, state);
        _runspace.Open();
        if (import)
        {
            Run("Import-Module " + ProductFolder.Manifest);
            Run(Prelude);
        }
    }

    public TestHost Host { get; }

    public Runspace Runspace => _runspace;

    /// <summary>Runs a script, which must have no errors, and gives its output.</summary>
    public Collection<PSObject> Run(string script, params (string Name, object? Value)[] variables)
    {
        ScriptRun run = RunWithErrors(script, variables);
        // All of it: of a collection the message would show the beginnings only.
        Assert.True(run.Errors.Count == 0, string.Join('\n', run.Errors.Select(error => $"{error.FullyQualifiedErrorId}: {error}")));
        return run.Output;
    }

    /// <summary>Runs a script and gives its one object of output, unwrapped.</summary>
    public object? RunOne(string script, params (string Name, object? Value)[] variables)
    {
        PSObject? only = Assert.Single(Run(script, variables));
        return only?.BaseObject is PSCustomObject ? only : only?.BaseObject;
    }

    /// <summary>
    /// Waits until the action of an event has released a semaphore. An event that comes in the very moment in which a
    /// pipeline ends is seen by the engine only when the next one runs. A prompt looks at events now and then while it is
    /// idle, so this does, too. An error of an action goes to what the runspace runs at that moment, which may be this.
    /// </summary>
    public void AwaitAction(SemaphoreSlim ran, string? error = null)
    {
        DateTime deadline = DateTime.UtcNow + Deadline;
        while (!ran.Wait(TimeSpan.FromSeconds(1)))
        {
            Assert.True(DateTime.UtcNow < deadline, "an action did not run within the deadline");
            Assert.All(RunWithErrors("$null").Errors, shown => Assert.Equal(error, shown.ToString()));
        }
    }

    /// <summary>Runs a script whose errors, terminating or not, are part of the outcome.</summary>
    public ScriptRun RunWithErrors(string script, params (string Name, object? Value)[] variables)
    {
        foreach ((string name, object? value) in variables)
            _runspace.SessionStateProxy.SetVariable(name, value);

        using PowerShell shell = PowerShell.Create(_runspace);
        shell.AddScript(script);
        var output = new PSDataCollection<PSObject>();
        IAsyncResult running = shell.BeginInvoke<PSObject, PSObject>(null, output);
        if (!running.AsyncWaitHandle.WaitOne(Deadline))
        {
            shell.Stop();
            Assert.Fail($"The script did not end within {Deadline}: {script}");
        }

        ErrorRecord? terminating = null;
        try
        {
            shell.EndInvoke(running);
        }
        catch (RuntimeException error)
        {
            terminating = error.ErrorRecord;
        }

        return new ScriptRun(
            [.. output], [.. shell.Streams.Error], terminating, [.. shell.Streams.Verbose], [.. shell.Streams.Progress], [.. shell.Streams.Warning]);
    }

    /// <summary>Runs a script that must end by an error, one that try and catch see, without any output, and gives that error.</summary>
    public ErrorRecord RunToError(string script) => Assert.IsType<ErrorRecord>(RunOne($"try {{ {script} }} catch {{ $_ }}"));

    /// <summary>Starts a script that the test will watch or stop.</summary>
    public RunningScript Start(string script) => new(_runspace, script);

    public void Dispose()
    {
        Run("Get-Module StdioBus | Remove-Module");

        _runspace.Dispose();
    }
}

/// <summary>What came of a script.</summary>
internal sealed record ScriptRun(
    Collection<PSObject> Output,
    IReadOnlyList<ErrorRecord> NonTerminating,
    ErrorRecord? Terminating,
    IReadOnlyList<VerboseRecord> Verbose,
    IReadOnlyList<ProgressRecord> Progress,
    IReadOnlyList<WarningRecord> Warnings)
{
    /// <summary>All errors, the one that ended it last.</summary>
    public IReadOnlyList<ErrorRecord> Errors => Terminating is null ? NonTerminating : [.. NonTerminating, Terminating];

    /// <summary>The only error, whose id must be this one.</summary>
    public ErrorRecord OnlyError(string id)
    {
        ErrorRecord error = Assert.Single(Errors);
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        return error;
    }
}
