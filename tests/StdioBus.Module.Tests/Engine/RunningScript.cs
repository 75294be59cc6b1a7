using System.Collections.Concurrent;
using System.Diagnostics;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Xunit;

namespace StdioBus.Module.Tests.Engine;

/// <summary>A script under way: its output can be awaited piece by piece, and it can be stopped as by Ctrl+C.</summary>
internal sealed class RunningScript : IDisposable
{
    private readonly PowerShell _shell;
    private readonly BlockingCollection<PSObject> _output = [];
    private readonly IAsyncResult _running;

    public RunningScript(Runspace runspace, string script)
    {
        _shell = PowerShell.Create(runspace);
        _shell.AddScript(script);
        var collected = new PSDataCollection<PSObject>();
        collected.DataAdded += (_, added) => _output.Add(collected[added.Index]);
        _running = _shell.BeginInvoke<PSObject, PSObject>(null, collected);
    }

    public IReadOnlyList<ErrorRecord> Errors => [.. _shell.Streams.Error];

    public IReadOnlyList<ProgressRecord> Progress => [.. _shell.Streams.Progress];

    public PSDataCollection<WarningRecord> Warnings => _shell.Streams.Warning;

    public IReadOnlyList<VerboseRecord> Verbose => [.. _shell.Streams.Verbose];

    public bool IsRunning => !_running.IsCompleted;

    /// <summary>Waits for the next object of output.</summary>
    public PSObject Next()
    {
        Assert.True(_output.TryTake(out PSObject? item, TestRunspace.Deadline), "no output within the deadline");
        return item;
    }

    /// <summary>Waits for its end and gives the rest of its output.</summary>
    public PSObject[] Finish()
    {
        Assert.True(_running.AsyncWaitHandle.WaitOne(TestRunspace.Deadline), "the script did not end within the deadline");
        _shell.EndInvoke(_running);
        return [.. _output];
    }

    /// <summary>
    /// What a stop may take here, whatever else the machine does: less than anything that the commands wait for, of which a
    /// stubborn worker, with its three seconds, is the shortest. Told by it is only whether the stop waited for that.
    /// </summary>
    public static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(2.5);

    /// <summary>Stops it as Ctrl+C does and says how long that took.</summary>
    public TimeSpan Stop()
    {
        Assert.True(IsRunning, "the script has ended before it was stopped");
        var watch = Stopwatch.StartNew();
        _shell.Stop();
        TimeSpan taken = watch.Elapsed;
        Assert.Throws<PipelineStoppedException>(() => _shell.EndInvoke(_running));
        return taken;
    }

    public void Dispose() => _shell.Dispose();
}
