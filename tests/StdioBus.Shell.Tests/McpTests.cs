namespace StdioBus.Shell.Tests;

/// <summary>docs/examples/mcp.ps1 against the real servers, which tests/integration/mcp pins.</summary>
public sealed class McpTests
{
    /// <summary>With it set, a machine without node or without the servers fails the test where it would skip it.</summary>
    private const string RequireVariable = "STDIOBUS_REQUIRE_MCP";

    [Fact]
    [Trait("Acceptance", "L1")]
    [Trait("Acceptance", "L2")]
    [Trait("Acceptance", "A24")]
    public async Task Two_MCP_servers_are_two_pools_of_one_bus()
    {
        SkipWithoutServers();

        var result = await ShellProcess.RunAsync([Repository.Example("mcp.ps1"), "-ServerPath", Repository.McpServers]);

        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("   everything is mcp-servers/everything 2.0.0, protocol 2025-06-18", result.OutputLines);
        Assert.Contains("   memory is memory-server 0.6.3, protocol 2025-06-18", result.OutputLines);
        Assert.Contains(result.OutputLines, line => line.StartsWith("   everything has ", StringComparison.Ordinal) && line.Contains("trigger-long-running-operation", StringComparison.Ordinal));
        Assert.Contains(result.OutputLines, line => line.StartsWith("   memory has ", StringComparison.Ordinal) && line.Contains("create_entities", StringComparison.Ordinal));
        Assert.Contains("   everything says: Echo: hello from PowerShell", result.OutputLines);
        Assert.Contains("   memory remembers: Ada writes programs", result.OutputLines);
        var steps = result.OutputLines.Where(line => line.Contains(" ms  step ", StringComparison.Ordinal)).Select(line => line[line.IndexOf("step", StringComparison.Ordinal)..]);
        Assert.Equal(["step 1 of 4", "step 2 of 4", "step 3 of 4", "step 4 of 4"], steps);
        Assert.Contains("   Long running operation completed. Duration: 2 seconds, Steps: 4.", result.OutputLines);
    }

    [Fact]
    public async Task Two_processes_of_one_server_are_initialized_and_those_that_follow_them_too()
    {
        SkipWithoutServers();
        using var script = new ScriptFile("""
            param($Server)
            $hello = @{ protocolVersion = '2025-06-18'; capabilities = @{}; clientInfo = @{ name = 'test'; version = '1' } }
            $bus = New-StdioBus mcp node $Server, 'stdio' -Instances 2 -Initialize $hello
            function Test-Tools { 1..4 | ForEach-Object { (Invoke-BusRequest tools/list -SessionId "s$_").tools.name -contains 'echo' } }
            "$(Test-Tools)"
            $before = (Get-BusWorker).ProcessId
            Get-BusWorker | Restart-BusWorker
            "$(Test-Tools)"
            Get-BusWorker | ForEach-Object { "$($_.Handshake.serverInfo.name) $($_.Restarts) $($_.ProcessId -in $before)" }
            Remove-StdioBus $bus
            """);

        var result = await script.RunAsync(Path.Combine(Repository.McpServers, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js"));

        Assert.Equal("", result.Error);
        Assert.Equal(["True True True True", "True True True True", "mcp-servers/everything 1 False", "mcp-servers/everything 1 False"], result.OutputLines);
    }

    [Fact]
    public async Task Servers_that_are_not_installed_are_named()
    {
        using var nothing = new ScriptFile("");

        var result = await ShellProcess.RunAsync([Repository.Example("mcp.ps1"), "-ServerPath", nothing.Folder]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("server-everything is not installed", result.Error, StringComparison.Ordinal);
    }

    private static void SkipWithoutServers()
    {
        var missing = !IsOnPath("node") ? "node is not on PATH"
            : !Directory.Exists(Path.Combine(Repository.McpServers, "node_modules")) ? $"the servers are not installed: run npm ci in {Path.GetRelativePath(Repository.Root, Repository.McpServers)}"
            : null;
        if (missing is null)
            return;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RequireVariable)), $"{RequireVariable} is set, but {missing}.");
        Assert.Skip(missing);
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
