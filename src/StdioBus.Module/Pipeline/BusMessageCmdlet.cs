using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>The base of the commands that send messages: where a message goes, and on whose behalf.</summary>
public abstract class BusMessageCmdlet : BusCmdlet
{
    private protected BusMessageCmdlet()
    {
    }

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public virtual object? Bus { get; set; }

    /// <summary>The pool. May be left out where the bus has only one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string? Pool { get; set; }

    /// <summary>The session: messages of one session go to the same worker. Default: sessionId of the params, if that is a string.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionIdCompleter))]
    public string? SessionId { get; set; }

    /// <summary>The agent meant. Pools in the StdioBus envelope only.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? AgentId { get; set; }

    /// <summary>On whose behalf: an Identity or a hashtable with SubjectId, Role, AssertedBy. Pools in the StdioBus envelope only.</summary>
    [Parameter]
    [IdentityOptions]
    public Identity? Identity { get; set; }

    /// <summary>What an audit trail needs: an AuditContext or a hashtable with its properties. Pools in the StdioBus envelope only.</summary>
    [Parameter]
    [AuditOptions]
    public AuditContext? Audit { get; set; }

    /// <summary>The bus of this command. Ends the command unless it runs and has the pool.</summary>
    private protected Bus RunningBus()
    {
        Bus bus = BusResolution.ResolveRunning(Bus);
        BusResolution.CheckPool(bus, Pool);
        return bus;
    }

    /// <summary>Fills in where a message goes.</summary>
    private protected void Address(MessageOptions options)
    {
        options.Pool = Pool;
        options.SessionId = SessionId;
        options.AgentId = AgentId;
        options.Identity = Identity;
        options.Audit = Audit;
    }
}
