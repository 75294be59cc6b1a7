using System.Management.Automation.Runspaces;

namespace StdioBus.Module.Handlers;

/// <summary>A runspace for the script of a handler, and its host.</summary>
internal sealed record HandlerRunspace(Runspace Runspace, HandlerHost Host)
{
    /// <summary>Makes it as new for the next request.</summary>
    public void Reset()
    {
        Host.ExitCode = null;
        Runspace.ResetRunspaceState();
    }
}
