using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace StdioBus.EngineBench;

/// <summary>A runspace in which scripts are timed.</summary>
internal sealed class Engine : IDisposable
{
    private readonly Runspace _runspace;

    public Engine()
    {
        _runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
        _runspace.Open();
        // The first script costs what the engine needs to wake up.
        Run("1 | ForEach-Object { $_ } | Out-Null");
    }

    public void Set(string name, object? value) => _runspace.SessionStateProxy.SetVariable(name, value);

    /// <summary>Runs a script; any error is the benchmark's own.</summary>
    public Collection<PSObject> Run(string script)
    {
        using PowerShell shell = PowerShell.Create(_runspace);
        Collection<PSObject> output = shell.AddScript(script).Invoke();
        if (shell.HadErrors) throw new InvalidOperationException(string.Join("; ", shell.Streams.Error));
        return output;
    }

    /// <summary>Begins a script and leaves it running; it is the caller's to stop.</summary>
    public PowerShell Begin(string script)
    {
        PowerShell shell = PowerShell.Create(_runspace);
        shell.AddScript(script).BeginInvoke();
        return shell;
    }

    /// <summary>How long a script takes, in microseconds.</summary>
    public double Time(string script)
    {
        long begin = Stopwatch.GetTimestamp();
        Run(script);
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
    }

    public void Dispose() => _runspace.Dispose();
}
