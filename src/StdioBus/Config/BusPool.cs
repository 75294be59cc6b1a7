namespace StdioBus;

/// <summary>A number of identical workers, started from one command.</summary>
public sealed class BusPool
{
    /// <summary>An empty definition, to be filled in.</summary>
    public BusPool()
    {
    }

    /// <summary>A definition.</summary>
    /// <param name="id">The pool's name, unique in its bus.</param>
    /// <param name="command">The program: a path, or a name that is looked up on PATH.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="instances">How many workers to run.</param>
    public BusPool(string id, string command, IEnumerable<string>? args = null, int instances = 1)
    {
        Id = id;
        Command = command;
        ArgumentList = args is null ? [] : [.. args];
        Instances = instances;
    }

    /// <summary>The pool's name, unique in its bus. Required.</summary>
    public string Id { get; set; } = "";

    /// <summary>The program: a path, or a name that is looked up on PATH. Required.</summary>
    public string Command { get; set; } = "";

    /// <summary>The program's arguments, passed as they are: nothing is split or expanded.</summary>
    public IList<string> ArgumentList { get; set; } = [];

    /// <summary>How many workers run; 1 or more.</summary>
    public int Instances { get; set; } = 1;

    /// <summary>Variables added to the environment that the workers inherit.</summary>
    public IDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The workers' folder; null for the one of this process.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>Which top-level members messages to and from the workers have.</summary>
    public EnvelopeKind Envelope { get; set; } = EnvelopeKind.Standard;

    /// <summary>How the workers are told that a request was given up.</summary>
    public Dialect Dialect { get; set; } = Dialect.Auto;

    /// <summary>The method of requests that name only the pool; null for the pool's id.</summary>
    public string? DefaultMethod { get; set; }

    /// <summary>Whether the workers' stderr goes to that of this process instead of the bus's log. Off by default.</summary>
    public bool InheritStandardError { get; set; }

    /// <summary>
    /// JSON-RPC messages that each worker's process is sent, in order, before anything else; empty: none.
    /// <see cref="BusHandshake"/> makes those of MCP and ACP. One with an id, a string or a whole number, is a request: the next
    /// is sent when it was answered, and the worker runs when all were. A process that answers with an error, or not within
    /// <see cref="BusLimits.StartupTimeoutSeconds"/>, is ended and started again like one that crashed.
    /// </summary>
    public IList<RawJson> Handshake { get; set; } = [];

    internal BusPool Copy() => new(Id, Command, ArgumentList, Instances)
    {
        Environment = new Dictionary<string, string>(Environment, StringComparer.Ordinal),
        WorkingDirectory = WorkingDirectory,
        Envelope = Envelope,
        Dialect = Dialect,
        DefaultMethod = DefaultMethod,
        InheritStandardError = InheritStandardError,
        Handshake = [.. Handshake ?? []],
    };
}
