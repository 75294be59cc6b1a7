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
    private readonly Stack<HandlerRunspace> _idle = new();
    private bool _closed;

    /// <summary>Takes one that nobody uses, waiting for it while all are in use.</summary>
    public async Task<HandlerRunspace> TakeAsync(CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            lock (_idle)
            {
                if (_idle.TryPop(out HandlerRunspace? idle))
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
    public void Return(HandlerRunspace used)
    {
        try
        {
            bool keep = used.Runspace.RunspaceStateInfo.State == RunspaceState.Opened;
            if (keep)
                used.Reset();

            lock (_idle)
            {
                keep &= !_closed;
                if (keep)
                    _idle.Push(used);
            }

            if (!keep)
                used.Runspace.Dispose();
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Frees those that are idle now, and the others when they come back.</summary>
    public void Close()
    {
        HandlerRunspace[] idle;
        lock (_idle)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (HandlerRunspace one in idle)
            one.Runspace.Dispose();
    }

    private HandlerRunspace Open()
    {
        InitialSessionState state = InitialSessionState.CreateDefault2();
        state.LanguageMode = languageMode;
        var own = new HandlerHost(host);
        Runspace runspace = RunspaceFactory.CreateRunspace(own, state);
        try
        {
            runspace.Name = "StdioBus handler";
            runspace.Open();
            return new HandlerRunspace(runspace, own);
        }
        catch
        {
            runspace.Dispose();
            throw;
        }
    }
}
