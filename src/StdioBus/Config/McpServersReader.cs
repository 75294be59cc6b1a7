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
            bool hasCommand = false, isDisabled = false;
            foreach ((string name, ConfigNode member) in server.Members(["command", "args", "env", "cwd", "type", "disabled"]))
            {
                switch (name)
                {
                    case "command":
                        hasCommand = true;
                        pool.Command = member.Text() ?? "";
                        break;
                    case "args":
                        pool.ArgumentList = member.Texts();
                        break;
                    case "env":
                        pool.Environment = member.TextMap();
                        break;
                    case "cwd":
                        pool.WorkingDirectory = member.Text();
                        break;
                    case "disabled":
                        isDisabled = member.Flag();
                        break;
                    case "type":
                        member.Word(new Dictionary<string, bool>(StringComparer.Ordinal) { ["stdio"] = true });
                        break;
                }
            }

            if (isDisabled)
            {
                server.Warn("disabled, left out");
                continue;
            }

            if (!hasCommand || pool.Command.Length == 0)
                server.Problem("expected a command that is not empty: only servers that speak over stdio can be run");
            config.Pools.Add(pool);
        }

        if (config.Pools.Count == 0)
            servers.Problem("expected at least one server that is not disabled");
    }
}
