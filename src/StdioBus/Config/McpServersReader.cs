namespace StdioBus;

/// <summary>Reads the <c>mcpServers</c> of an MCP host's file: each server becomes a pool of one worker.</summary>
internal static class McpServersReader
{
    public static void Read(ConfigNode servers, BusConfig config)
    {
        if (!servers.IsObject())
            return;
        foreach ((string id, ConfigNode server) in servers.AllMembers())
        {
            if (!server.IsObject())
                continue;
            var pool = new BusPool { Id = id, Dialect = Dialect.Mcp };
            bool hasCommand = false, isDisabled = false, isRemote = false;
            foreach ((string name, ConfigNode member) in server.Members(["command", "args", "env", "cwd", "type", "disabled", "url", "headers"]))
            {
                switch (name)
                {
                    case "command":
                        hasCommand = true;
                        pool.Command = Text(member) ?? "";
                        break;
                    case "args":
                        pool.ArgumentList = member.Texts(Text);
                        break;
                    case "env":
                        pool.Environment = member.TextMap(Text);
                        break;
                    case "cwd":
                        pool.WorkingDirectory = Text(member);
                        break;
                    case "disabled":
                        isDisabled = member.Flag();
                        break;
                    case "type":
                        isRemote |= member.Word(Transports);
                        break;
                }
            }

            if (isDisabled)
                server.Warn("disabled, left out");
            else if (isRemote || (!hasCommand && server.Has("url")))
                server.Warn("reached over the network, not over stdio, left out");
            else
                Add(server, pool, hasCommand, config);
        }

        if (config.Pools.Count == 0)
            servers.Problem("expected at least one server that speaks over stdio and is not disabled");
    }

    // The words that hosts use for servers that no process here runs, and the one for ours.
    private static readonly Dictionary<string, bool> Transports = new(StringComparer.Ordinal)
    {
        ["stdio"] = false,
        ["http"] = true,
        ["streamable-http"] = true,
        ["sse"] = true,
        ["ws"] = true,
    };

    private static void Add(ConfigNode server, BusPool pool, bool hasCommand, BusConfig config)
    {
        if (!hasCommand || pool.Command.Length == 0)
            server.Problem("expected a command that is not empty");
        config.Pools.Add(pool);
    }

    private static string? Text(ConfigNode node) => node.Text() is { } text ? McpVariables.Expand(text, node) : null;
}
