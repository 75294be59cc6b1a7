using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The base of the completers: what the values of one kind are on the bus that the command line means. They read memory
/// only, for a completion that waits for something freezes the prompt.
/// </summary>
internal abstract class BusCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string typed = CompletionText.Typed(wordToComplete ?? "");
        return Candidates(fakeBoundParameters)
            .Where(candidate => candidate.Value.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .DistinctBy(candidate => candidate.Value)
            .Select(candidate => new CompletionResult(
                CompletionText.Quoted(candidate.Value, wordToComplete ?? ""),
                candidate.Value,
                CompletionResultType.ParameterValue,
                candidate.ToolTip.Length > 0 ? candidate.ToolTip : candidate.Value));
    }

    private protected abstract IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound);

    private protected static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    // As BusResolution has it, but without an error where there is none.
    private protected static Bus? BusOf(IDictionary bound)
    {
        object? given = bound.Contains("Bus") ? bound["Bus"] : null;
        IReadOnlyList<Bus> open = BusRegistry.Open;
        return (given is PSObject wrapped ? wrapped.BaseObject : given) switch
        {
            Bus bus => bus,
            BlockingBus blocking => blocking.Bus,
            string name => BusRegistry.Find(name),
            _ => RunspaceBuses.Here.Current ?? (open.Count == 1 ? open[0] : null),
        };
    }
}

/// <summary>The names of the open buses.</summary>
internal sealed class BusNameCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
        BusRegistry.Open.Select(bus => (bus.Name, $"{bus.State}: {string.Join(", ", bus.Pools.Select(pool => pool.Id))}"));
}

/// <summary>The ids of a bus's pools.</summary>
internal sealed class PoolIdCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
        BusOf(bound)?.Pools.Select(pool => (pool.Id, $"{pool.Instances} × {pool.Command}")) ?? [];
}

/// <summary>The ids of a bus's workers, numbered over its pools.</summary>
internal sealed class WorkerIdCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
        BusOf(bound)?.Pools
            .SelectMany(pool => Enumerable.Repeat(pool.Id, pool.Instances))
            .Select((pool, id) => (Number(id), $"worker {id} of pool '{pool}'")) ?? [];
}

/// <summary>The ids of a bus's open subscriptions.</summary>
internal sealed class SubscriptionIdCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
        BusOf(bound)?.Subscriptions.Select(subscription => (Number(subscription.Id), subscription.ToString())) ?? [];
}

/// <summary>What a full subscription may do, each once: two names of the enumeration mean the same.</summary>
internal sealed class OverflowCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
    [
        (nameof(OverflowPolicy.DropNewest), "drops the one that comes, and counts it"),
        (nameof(OverflowPolicy.DropOldest), "drops the one that has waited longest, and counts it"),
        (nameof(OverflowPolicy.Close), "ends the subscription; what it holds can still be received"),
        (nameof(OverflowPolicy.Block), "stops reading from the worker until there is room"),
    ];
}

/// <summary>The methods seen on a bus, and those its pools have by default.</summary>
internal class MethodNameCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound)
    {
        if (BusOf(bound) is not Bus bus)
            return [];

        IEnumerable<string> byDefault = bus.Pools.Select(pool => pool.DefaultMethod).OfType<string>();
        return bus.SeenMethods.Concat(byDefault).Order(StringComparer.Ordinal).Select(method => (method, ""));
    }
}

/// <summary>The methods seen on a bus, and those that the protocols have.</summary>
internal abstract class ProtocolMethodCompleter((string Value, string ToolTip)[] known) : MethodNameCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound) =>
        base.Candidates(bound).Concat(known);
}

/// <summary>What workers notify of: the methods seen on a bus, and those of the protocols.</summary>
internal sealed class NotificationMethodCompleter() : ProtocolMethodCompleter(Known)
{
    private static readonly (string Value, string ToolTip)[] Known =
    [
        ("session/update", "ACP: what an agent does in a session"),
        ("notifications/message", "MCP: a line of a server's log"),
        ("notifications/progress", "MCP: how far a request is"),
        ("notifications/cancelled", "MCP: a server takes a request back"),
        ("notifications/prompts/list_changed", "MCP: a server has other prompts"),
        ("notifications/resources/list_changed", "MCP: a server has other resources"),
        ("notifications/resources/updated", "MCP: a resource changed"),
        ("notifications/tools/list_changed", "MCP: a server has other tools"),
    ];
}

/// <summary>What workers ask for: the methods seen on a bus, and those of the protocols.</summary>
internal sealed class WorkerRequestMethodCompleter() : ProtocolMethodCompleter(Known)
{
    private static readonly (string Value, string ToolTip)[] Known =
    [
        ("session/request_permission", "ACP: may an agent use a tool?"),
        ("fs/read_text_file", "ACP: the text of a file"),
        ("fs/write_text_file", "ACP: a file's new text"),
        ("terminal/*", "ACP: commands that an agent runs"),
        ("elicitation/create", "MCP: a question to the user"),
        ("roots/list", "MCP: the folders that a server may use"),
        ("sampling/createMessage", "MCP: a question to a language model"),
    ];
}

/// <summary>Programs and scripts on PATH, and files.</summary>
internal sealed class WorkerCommandCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string word = wordToComplete ?? "";
        string typed = CompletionText.Typed(word);
        IEnumerable<CompletionResult> commands = typed.AsSpan().ContainsAny('/', '\\')
            ? []
            : CompletionCompleters.CompleteCommand(typed, null, CommandTypes.Application | CommandTypes.ExternalScript);
        return commands.Concat(CompletionCompleters.CompleteFilename(word));
    }
}

/// <summary>The sessions that are known here: those of the bus itself, and those that subscriptions hear.</summary>
internal sealed class SessionIdCompleter : BusCompleter
{
    private protected override IEnumerable<(string Value, string ToolTip)> Candidates(IDictionary bound)
    {
        if (BusOf(bound) is not Bus bus)
            yield break;

        if (bus.AgentSessionId is string agent)
            yield return (agent, "the session that the agent gave");

        yield return (bus.ClientSessionId, "the client session of this bus");
        foreach (BusSubscription subscription in bus.Subscriptions.OfType<BusSubscription>())
        {
            if (subscription.SessionId is string session)
                yield return (session, $"the session of subscription {subscription.Id}");
        }
    }
}
