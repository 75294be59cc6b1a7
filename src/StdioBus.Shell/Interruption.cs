using System.Management.Automation;
using System.Runtime.InteropServices;

namespace StdioBus.Shell;

/// <summary>
/// Ends the run at a signal, or when nobody reads the output any more. The first cause counts; the running pipeline is
/// stopped, so that <c>finally</c> blocks run and buses are removed. A second signal has its usual effect: the end.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PosixSignalRegistration[] _signals;
    private PowerShell? _running;

    public Interruption() =>
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, 2)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, 15)),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => OnSignal(context, 1)),
        ];

    /// <summary>The exit code of an interrupted run; null when nothing interrupted it.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Runs <paramref name="invoke"/>, which an interruption stops; not at all when there already was one.</summary>
    /// <exception cref="PipelineStoppedException">It was stopped, or not begun.</exception>
    public void Guard(PowerShell powerShell, Action invoke)
    {
        lock (_lock)
        {
            if (ExitCode is not null)
                throw new PipelineStoppedException();
            _running = powerShell;
        }

        try
        {
            invoke();
        }
        catch (InvalidPowerShellStateException) when (ExitCode is not null)
        {
            // Stopped in the moment before it was begun.
            throw new PipelineStoppedException();
        }
        finally
        {
            lock (_lock)
                _running = null;
        }
    }

    /// <summary>Stops the run. Returns at once; false when it was interrupted before.</summary>
    public bool Interrupt(int exitCode)
    {
        lock (_lock)
        {
            if (ExitCode is not null)
                return false;
            ExitCode = exitCode;
            // Not Stop(): that waits for the pipeline, which may be the caller.
            _running?.BeginStop(null, null);
            return true;
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int number) =>
        context.Cancel = Interrupt(Shell.ExitCode.SignalBase + number);
}
