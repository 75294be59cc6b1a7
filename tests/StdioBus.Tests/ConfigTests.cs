using System.Text;

namespace StdioBus.Tests;

/// <summary>Configurations: read, checked, written.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "A2: defaults")]
    public void Defaults()
    {
        var pool = new BusPool("p", "c");
        Assert.Equal((0, 1, EnvelopeKind.Standard, Dialect.Auto, 0), (pool.ArgumentList.Count, pool.Instances, pool.Envelope, pool.Dialect, pool.Environment.Count));
        Assert.Equal((TimeSpan.FromSeconds(30), (TimeSpan?)null, BackendKind.Auto, 1024, 64L << 20), (new BusOptions().Timeout, new BusOptions().IdleTimeout, new BusOptions().Backend, new BusOptions().StreamQueue, new BusOptions().StreamOverflowBytes));
        Assert.Equal("self", new Identity().AssertedBy);
        Assert.Equal((256, OverflowPolicy.DropNewest), (new SubscriptionOptions().MaxQueue, new SubscriptionOptions().Overflow));
    }

    [Fact(DisplayName = "A4: pools keep their order, what is unset is left out, nothing is null, and it reads back")]
    public void The_json_has_what_is_set()
    {
        Assert.Equal("""{"pools":[{"id":"a","command":"x","instances":1,"envelope":"standard"}]}""", new BusConfig(new BusPool("a", "x")).ToJson());
        var full = new BusConfig(
            new BusPool("b", "/y", ["1", ""], 3) { Environment = { ["K"] = "v=1" }, WorkingDirectory = "/w", Envelope = EnvelopeKind.StdioBus, Dialect = Dialect.JsonRpcCancel, DefaultMethod = "m", InheritStandardError = true },
            new BusPool("a", "é x"))
        {
            Limits = new BusLimits { MaxRestarts = 0, MaxInputBuffer = 1000 },
        };
        const string Json = """{"pools":[{"id":"b","command":"/y","args":["1",""],"instances":3,"env":{"K":"v=1"},"cwd":"/w","envelope":"stdiobus","dialect":"jsonrpc-cancel","default_method":"m","stderr":"inherit"},{"id":"a","command":"é x","instances":1,"envelope":"standard"}],"limits":{"max_input_buffer":1000,"max_restarts":0}}""";
        Assert.Equal(Json, full.ToJson());
        Assert.Equal(Json, BusConfig.Parse(Json).ToJson());
        Assert.DoesNotContain("limits", new BusConfig(new BusPool("a", "x")) { Limits = new BusLimits() }.ToJson(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A4: all limits are written and read back")]
    public void All_limits_round_trip()
    {
        var limits = new BusLimits
        {
            MaxInputBuffer = 1,
            MaxOutputQueue = 2,
            MaxRestarts = 3,
            RestartWindowSeconds = 4,
            DrainTimeoutSeconds = 5,
            BackpressureTimeoutSeconds = 6,
            MaxSessions = 7,
            MaxPending = 8,
            MaxPendingPerClient = 11,
            MaxClients = 9,
            StartupTimeoutSeconds = 10,
        };
        string json = new BusConfig(new BusPool("a", "x")) { Limits = limits }.ToJson();
        Assert.Contains("""{"max_input_buffer":1,"max_output_queue":2,"max_restarts":3,"restart_window_sec":4,"drain_timeout_sec":5,"backpressure_timeout_sec":6,"max_sessions":7,"max_pending":8,"max_pending_per_client":11,"max_clients":9,"startup_timeout_sec":10}""", json, StringComparison.Ordinal);
        Assert.Equal(json, BusConfig.Parse(json).ToJson());
    }

    [Theory(DisplayName = "A3, A5: each problem is found, with its path")]
    [InlineData("{}", "$.pools")]
    [InlineData("""{"pools":[]}""", "$.pools")]
    [InlineData("""{"pools":{}}""", "$.pools")]
    [InlineData("""{"pools":[5]}""", "$.pools[0]")]
    [InlineData("""{"pools":[{"command":"x"}]}""", "$.pools[0].id")]
    [InlineData("""{"pools":[{"id":"","command":"x"}]}""", "$.pools[0].id")]
    [InlineData("""{"pools":[{"id":5,"command":"x"}]}""", "$.pools[0].id")]
    [InlineData("""{"pools":[{"id":"a"}]}""", "$.pools[0].command")]
    [InlineData("""{"pools":[{"id":"a","command":null}]}""", "$.pools[0].command")]
    [InlineData("""{"pools":[{"id":"a","command":"x\u0000"}]}""", "$.pools[0].command")]
    [InlineData("""{"pools":[{"id":"a","command":"x","instances":0}]}""", "$.pools[0].instances")]
    [InlineData("""{"pools":[{"id":"a","command":"x","instances":-1}]}""", "$.pools[0].instances")]
    [InlineData("""{"pools":[{"id":"a","command":"x","instances":1.5}]}""", "$.pools[0].instances")]
    [InlineData("""{"pools":[{"id":"a","command":"x","instances":"2"}]}""", "$.pools[0].instances")]
    [InlineData("""{"pools":[{"id":"a","command":"x","instances":4097}]}""", "$.pools[0].instances")]
    [InlineData("""{"pools":[{"id":"a","command":"x"},{"id":"a","command":"y"}]}""", "$.pools[1].id")]
    [InlineData("""{"pools":[{"id":"a","command":"x","args":["1",2]}]}""", "$.pools[0].args[1]")]
    [InlineData("""{"pools":[{"id":"a","command":"x","env":{"K":1}}]}""", "$.pools[0].env.K")]
    [InlineData("""{"pools":[{"id":"a","command":"x","envelope":"none"}]}""", "$.pools[0].envelope")]
    [InlineData("""{"pools":[{"id":"a","command":"x","dialect":"lsp"}]}""", "$.pools[0].dialect")]
    [InlineData("""{"pools":[{"id":"a","command":"x","id":"b"}]}""", "$.pools[0].id")]
    [InlineData("""{"pools":[{"id":"a","command":"x"}],"limits":{"max_restarts":-1}}""", "$.limits.max_restarts")]
    [InlineData("""{"pools":[{"id":"a","command":"x"}],"limits":{"max_input_buffer":99999999999999999999}}""", "$.limits.max_input_buffer")]
    [InlineData("""{"pools":[{"id":"a","command":"x"}],"transport":{"framing":"lsp"}}""", "$.transport.framing")]
    [InlineData("""{"pools":[{"id":"a","command":"x"}],"transport":{"protocol":"cbor"}}""", "$.transport.protocol")]
    [InlineData("[]", "$")]
    [InlineData("{pools:[]}", "$")]
    [InlineData("""{"pools":[""", "$")]
    [InlineData("", "$")]
    [InlineData("""{"mcpServers":{"a":{"args":[]}}}""", "$.mcpServers.a")]
    [InlineData("""{"mcpServers":{"a":{"type":"carrier pigeon","command":"x"}}}""", "$.mcpServers.a.type")]
    [InlineData("""{"mcpServers":{}}""", "$.mcpServers")]
    public void A_problem_is_found_with_its_path(string json, string path)
    {
        Assert.Equal(path, Assert.Single(BusConfig.Check(json), problem => !problem.IsWarning).Path);
        var error = Assert.Throws<BusInvalidArgumentException>(() => BusConfig.Parse(json));
        Assert.Contains(path + ":", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A3: several problems are reported at once; unknown keys are warnings, comments are not")]
    public void Several_problems_are_reported_at_once()
    {
        IReadOnlyList<ConfigProblem> problems = BusConfig.Check("""{"_comment":1,"typo":1,"pools":[{"id":"a","instances":0,"_x":{}},{"command":"y","wrong":2}],"limits":{"max_pending":0}}""");
        Assert.Equal(["$.limits.max_pending", "$.pools[0].command", "$.pools[0].instances", "$.pools[1].id"], problems.Where(p => !p.IsWarning).Select(p => p.Path).Order(StringComparer.Ordinal));
        Assert.Equal(["$.pools[1].wrong", "$.typo"], problems.Where(p => p.IsWarning).Select(p => p.Path).Order(StringComparer.Ordinal));
        var config = new BusConfig(new BusPool("", ""), new BusPool("a", "x", null, 0)) { Limits = new BusLimits { MaxSessions = 0 } };
        Assert.Equal(["$.pools[0].id", "$.pools[0].command", "$.pools[1].instances", "$.limits.max_sessions"], config.Check().Select(p => p.Path));
        var error = Assert.Throws<BusInvalidArgumentException>(config.Validate);
        Assert.Contains("$.limits.max_sessions", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A5: a file is read with a BOM and comments, defaults filled in, relative paths from its folder")]
    public void A_file_is_read()
    {
        string path = Write("bus.json", "\ufeff" + """{"_comment":"x","pools":[{"id":"a","command":"./run","cwd":"sub"},{"id":"b","command":"node"}]}""");
        BusConfig config = BusConfig.Load(path);
        Assert.Equal((Path.Combine(_folder, "run"), Path.Combine(_folder, "sub"), 1), (config.Pools[0].Command, config.Pools[0].WorkingDirectory, config.Pools[0].Instances));
        Assert.Equal(("node", (string?)null), (config.Pools[1].Command, config.Pools[1].WorkingDirectory));
    }

    [Fact(DisplayName = "A5: an mcpServers file becomes pools of one worker that speaks MCP")]
    public void An_mcp_servers_file_becomes_pools()
    {
        BusConfig config = BusConfig.Load(Write("mcp.json", """{"mcpServers":{"one":{"command":"npx","args":["-y","s"],"env":{"K":"v"}},"two":{"type":"stdio","command":"./s","cwd":"."}},"other":1}"""));
        (string command, string folder) = (Json(Path.Combine(_folder, "s")), Json(_folder));
        Assert.Equal($$"""{"pools":[{"id":"one","command":"npx","args":["-y","s"],"instances":1,"env":{"K":"v"},"envelope":"standard","dialect":"mcp"},{"id":"two","command":{{command}},"instances":1,"cwd":{{folder}},"envelope":"standard","dialect":"mcp"}]}""", config.ToJson());

        static string Json(string path) => $"\"{path.Replace(@"\", @"\\", StringComparison.Ordinal)}\"";
    }

    [Fact(DisplayName = "A5: a server of an mcpServers file that is disabled is left out, with a warning")]
    public void A_disabled_server_is_left_out()
    {
        string path = Write("mcp.json", """{"mcpServers":{"on":{"command":"a","disabled":false},"off":{"command":"b","disabled":true}}}""");
        Assert.Equal("on", Assert.Single(BusConfig.Load(path).Pools).Id);
        ConfigProblem warning = Assert.Single(BusConfig.CheckFile(path));
        Assert.Equal(("$.mcpServers.off", true), (warning.Path, warning.IsWarning));
    }

    [Theory(DisplayName = "A5: a server of an mcpServers file that no process here runs is left out, with a warning")]
    [InlineData("""{"type":"http","url":"https://host/mcp","headers":{"A":"b"}}""")]
    [InlineData("""{"type":"sse","url":"https://host/sse"}""")]
    [InlineData("""{"url":"https://host/mcp"}""")]
    public void A_server_on_the_network_is_left_out(string remote)
    {
        string path = Write("mcp.json", $"{{\"mcpServers\":{{\"here\":{{\"command\":\"a\"}},\"there\":{remote}}}}}");
        Assert.Equal("here", Assert.Single(BusConfig.Load(path).Pools).Id);
        ConfigProblem warning = Assert.Single(BusConfig.CheckFile(path));
        Assert.Equal(("$.mcpServers.there", true), (warning.Path, warning.IsWarning));
        string alone = Write("alone.json", $"{{\"mcpServers\":{{\"there\":{remote}}}}}");
        Assert.Contains("over stdio", Assert.Throws<BusInvalidArgumentException>(() => BusConfig.Load(alone)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A5: variables in an mcpServers file are replaced; one that is not set stays, with a warning")]
    public void Variables_are_replaced()
    {
        Environment.SetEnvironmentVariable("STDIOBUS_TEST_FOLDER", "/data/${x}");
        string path = Write("mcp.json", """
            {"mcpServers":{"s":{
              "command":"${STDIOBUS_TEST_NONE:-npx}",
              "args":["${env:STDIOBUS_TEST_FOLDER}/a","$HOME","${}","${input:key}","${STDIOBUS_TEST_NONE}"],
              "env":{"PLACE":"<${STDIOBUS_TEST_FOLDER}>","EMPTY":"${STDIOBUS_TEST_NONE:-}"}}}}
            """);
        BusPool pool = Assert.Single(BusConfig.Load(path).Pools);
        Assert.Equal("npx", pool.Command);
        Assert.Equal(["/data/${x}/a", "$HOME", "${}", "${input:key}", "${STDIOBUS_TEST_NONE}"], pool.ArgumentList);
        Assert.Equal(("</data/${x}>", ""), (pool.Environment["PLACE"], pool.Environment["EMPTY"]));
        ConfigProblem warning = Assert.Single(BusConfig.CheckFile(path));
        Assert.Equal(("$.mcpServers.s.args[4]", true), (warning.Path, warning.IsWarning));
        Assert.Contains("STDIOBUS_TEST_NONE", warning.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A5: a file that is missing, a folder, or larger than 4 MiB is refused by name")]
    public void A_file_that_cannot_be_used_is_refused()
    {
        string missing = Path.Combine(_folder, "missing.json");
        Assert.Contains(missing, Assert.Throws<BusInvalidArgumentException>(() => BusConfig.Load(missing)).Message, StringComparison.Ordinal);
        Assert.Contains(_folder, Assert.Throws<BusInvalidArgumentException>(() => BusConfig.Load(_folder)).Message, StringComparison.Ordinal);
        string large = Write("large.json", new string(' ', (4 << 20) + 1));
        Assert.Contains("4 MiB", Assert.Throws<BusInvalidArgumentException>(() => BusConfig.Load(large)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A3: a file is checked as its text is, and each problem names it; one that cannot be read is no problem but an error")]
    public void A_file_is_checked()
    {
        string path = Write("bad.json", """{"pools":[{"command":"x"}],"typo":1}""");
        Assert.Equal([("$.pools[0].id", false, path), ("$.typo", true, path)], BusConfig.CheckFile(path).Select(p => (p.Path, p.IsWarning, p.File)).OrderBy(p => p.Path, StringComparer.Ordinal));
        Assert.Empty(BusConfig.CheckFile(Write("good.json", """{"pools":[{"id":"a","command":"x"}]}""")));
        Assert.Equal("$", Assert.Single(BusConfig.CheckFile(Write("cut.json", """{"pools":["""))).Path);
        string missing = Path.Combine(_folder, "missing.json");
        Assert.Contains(missing, Assert.Throws<BusInvalidArgumentException>(() => BusConfig.CheckFile(missing)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A6: neither configuration nor path is an error that names both; both are mutually exclusive")]
    public void Exactly_one_source_is_needed()
    {
        string neither = Assert.Throws<BusInvalidArgumentException>(() => new Bus(new BusOptions())).Message;
        Assert.Contains("Config", neither, StringComparison.Ordinal);
        Assert.Contains("ConfigPath", neither, StringComparison.Ordinal);
        var both = new BusOptions { Config = new BusConfig(new BusPool("a", "x")), ConfigPath = "x" };
        Assert.Contains("mutually exclusive", Assert.Throws<BusInvalidArgumentException>(() => new Bus(both)).Message, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text, new UTF8Encoding(false));
        return path;
    }
}
