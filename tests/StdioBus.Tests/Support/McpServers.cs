namespace StdioBus.Tests.Support;

/// <summary>The real MCP servers that tests/integration/mcp pins.</summary>
internal static class McpServers
{
    /// <summary>With it set, a machine without node or without the servers fails the test where it would skip it.</summary>
    private const string RequireVariable = "STDIOBUS_REQUIRE_MCP";

    private static readonly string Modules = Path.Combine(Repository.Root, "tests", "integration", "mcp", "node_modules");

    /// <summary>A pool of one server-everything; skips the test where it is not there.</summary>
    public static BusPool Everything()
    {
        string? missing = !IsOnPath("node") ? "node is not on PATH"
            : !Directory.Exists(Modules) ? $"the servers are not installed: run npm ci in {Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(Modules)!)}"
            : null;
        if (missing is not null)
        {
            Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RequireVariable)), $"{RequireVariable} is set, but {missing}.");
            Assert.Skip(missing);
        }

        return new BusPool("everything", "node", [Path.Combine(Modules, "@modelcontextprotocol", "server-everything", "dist", "index.js"), "stdio"]);
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
