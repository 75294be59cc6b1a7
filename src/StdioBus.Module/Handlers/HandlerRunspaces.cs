using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;

namespace StdioBus.Module.Handlers;

/// <summary>
/// The runspaces in which one handler's script runs: made when needed, used again, never more than a given number. They
/// share the host of the runspace that registered the handler, and have its language mode.
/// </summary>
internal sealed class HandlerRunspaces(PSHost host, PSLanguageMode languageMode, int most)
{
    private readonly SemaphoreSlim _places = new(most);
    private readonly Stack<Runspace> _idle = new();
    private bool _closed;

    /// <summary>Takes one that nobody uses, waiting for it while all are in use.</summary>
    public async Task<Runspace> TakeAsync(CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            lock (_idle)
            {
                if (_idle.TryPop(out Runspace? idle))
                    return idle;
            }

            return Open();
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    /// <summary>Gives one back. What a script left in its variables does not reach the next one.</summary>
    public void Return(Runspace runspace)
    {
        try
        {
            bool keep = runspace.RunspaceStateInfo.State == RunspaceState.Opened;
            if (keep)
                runspace.ResetRunspaceState();

            lock (_idle)
            {
                keep &= !_closed;
                if (keep)
                    _idle.Push(runspace);
            }

            if (!keep)
                runspace.Dispose();
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Frees those that are idle now, and the others when they come back.</summary>
    public void Close()
    {
        Runspace[] idle;
        lock (_idle)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (Runspace runspace in idle)
            runspace.Dispose();
    }

    private Runspace Open()
    {
        InitialSessionState state = InitialSessionState.CreateDefault2();
        state.LanguageMode = languageMode;
        Runspace runspace = RunspaceFactory.CreateRunspace(host, state);
        try
        {
            runspace.Name = "StdioBus handler";
            runspace.Open();
            return runspace;
        }
        catch
        {
            runspace.Dispose();
            throw;
        }
    }
}
