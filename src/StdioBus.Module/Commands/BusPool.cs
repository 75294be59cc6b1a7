using System.Collections;
using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Makes the definition of a pool: a number of identical workers, started from one command. Nothing is started: pass it
/// to New-StdioBus. Relative paths are resolved here and now, against the location of this runspace.
/// </summary>
[Cmdlet(VerbsCommon.New, "BusPool")]
[OutputType(typeof(BusPool))]
public sealed class NewBusPoolCommand : BusCmdlet
{
    /// <summary>The pool's name, unique in its bus.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Id { get; set; } = "";

    /// <summary>
    /// The program: a path, a name that is looked up on PATH, or what Get-Command gives for one. A script (.ps1) runs in the
    /// current pwsh with -NoProfile -NonInteractive.
    /// </summary>
    [Parameter(Mandatory = true, Position = 1)]
    [WorkerCommand]
    [ArgumentCompleter(typeof(WorkerCommandCompleter))]
    [ValidateNotNullOrEmpty]
    public string Command { get; set; } = "";

    /// <summary>The program's arguments, passed as they are: nothing is split or expanded.</summary>
    [Parameter(Position = 2)]
    [AllowEmptyCollection]
    [AllowEmptyString]
    [Alias("Args")]
    public string[] ArgumentList { get; set; } = [];

    /// <summary>How many workers run.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Instances { get; set; } = 1;

    /// <summary>Environment variables added to those the workers inherit.</summary>
    [Parameter]
    [EnvironmentVariables]
    public IDictionary? Environment { get; set; }

    /// <summary>The folder the workers start in. Default: the location of this runspace.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? WorkingDirectory { get; set; }

    /// <summary>Standard is JSON-RPC and nothing else. StdioBus adds sessionId, agentId and _ext to each message.</summary>
    [Parameter]
    public EnvelopeKind Envelope { get; set; }

    /// <summary>How a worker is told that a request was given up. Auto tells by its initialize request.</summary>
    [Parameter]
    public Dialect Dialect { get; set; }

    /// <summary>The method of requests that name only the pool. Default: the pool's id.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DefaultMethod { get; set; }

    /// <summary>
    /// The params of a request initialize, as a hashtable, an object or JSON text. Each worker's process is sent it first, and
    /// gets anything else only once it has answered; where protocolVersion is a string, as in MCP, notifications/initialized
    /// follows.
    /// </summary>
    [Parameter]
    [InitializeParams]
    public object? Initialize { get; set; }

    /// <summary>
    /// JSON-RPC messages that each worker's process is sent first, for other handshakes than that of -Initialize: hashtables,
    /// objects or JSON text. One with an id is a request, whose answer is waited for.
    /// </summary>
    [Parameter]
    [HandshakeMessages]
    [AllowEmptyCollection]
    public object[]? Handshake { get; set; }

    private protected override void Process()
    {
        var pool = new BusPool(Id, Command, ArgumentList, Instances)
        {
            WorkingDirectory = WorkingDirectory,
            Envelope = Envelope,
            Dialect = Dialect,
            DefaultMethod = DefaultMethod,
            Environment = EnvironmentVariablesAttribute.Read(Environment ?? new Hashtable()),
            Handshake = PoolHandshake.Of(this, Initialize, Handshake),
        };
        WriteObject(new WorkerPaths(this).Resolve(pool));
    }
}
