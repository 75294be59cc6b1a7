using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The file to which a bus writes its messages.</summary>
public sealed class TraceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-trace-").FullName;

    private string TracePath => Path.Combine(_folder, "trace.ndjson");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "The trace has each message in order, with its time, direction, worker, pool and session")]
    public async Task The_trace_has_each_message()
    {
        DateTime before = DateTime.UtcNow;
        await using (Bus bus = await StartAsync(TestWorkers.Pool("one"), TestWorkers.Pool("two", 2)))
        {
            await bus.RequestAsync("echo", new { a = "ü😀" }, new() { Pool = "one" }).Soon();
            await bus.RequestAsync("stream", new { sessionId = "s", count = 2 }, new() { Pool = "two" }).Soon();
            await bus.NotifyAsync("note", null, new() { Pool = "one" }).Soon();
            await Assert.ThrowsAsync<BusTransportException>(() => bus.RequestAsync("exit", new { code = 1 }, new() { Pool = "one" }).Soon());
        }

        List<JsonElement> lines = ReadTrace();
        int worker = lines[2].GetProperty("worker").GetInt32();
        Assert.InRange(worker, 1, 2);
        Assert.Equal(
            [
                """out 0 one - echo {"a":"ü😀"}""",
                """in 0 one - result {"a":"ü😀"}""",
                $$"""out {{worker}} two s stream {"sessionId":"s","count":2}""",
                $"in {worker} two - session/update",
                $"in {worker} two - session/update",
                $$"""in {{worker}} two - result {"chunks":2}""",
                "out 0 one - note",
                """out 0 one - exit {"code":1}""",
                "in kernel - - error",
            ],
            lines.Select(Describe));
        DateTime[] times = [.. lines.Select(line => line.GetProperty("time").GetDateTime())];
        Assert.Equal(times.Order(), times);
        Assert.All(times, time => Assert.True(time.Kind == DateTimeKind.Utc && time >= before.AddSeconds(-1) && time <= DateTime.UtcNow.AddSeconds(1)));
    }

    [Fact(DisplayName = "The trace is off by default; its file is for its owner alone, and an existing one is appended to")]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task The_file_is_private_and_appended_to()
    {
        Assert.Null(new BusOptions().TracePath);
        for (int i = 1; i <= 2; i++)
        {
            await using Bus bus = await StartAsync(TestWorkers.Pool());
            await bus.RequestAsync("echo", new { i }).Soon();
            await bus.StopAsync().Soon();
            Assert.Equal(2 * i, ReadTrace().Count);
            Assert.Equal(0, bus.Statistics.DroppedTraceLines);
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TracePath));
        File.SetUnixFileMode(TracePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await using (await StartAsync(TestWorkers.Pool()))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(TracePath));
    }

    [Fact(DisplayName = "A trace that cannot be opened fails the start with its path, and nothing runs; so does one that another bus writes")]
    public async Task A_trace_that_cannot_be_opened_fails_the_start()
    {
        foreach (string path in new[] { Path.Combine(_folder, "missing", "trace"), _folder })
        {
            BusOptions options = TestWorkers.Options(TestWorkers.Pool());
            options.TracePath = path;
            await using var bus = new Bus(options);
            string message = (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.StartAsync().Soon())).Message;
            Assert.StartsWith($"TracePath: '{path}' cannot be opened for writing", message, StringComparison.Ordinal);
            Assert.Equal((BusState.Stopped, 0), (bus.State, bus.WorkerCount));
        }

        await using (await StartAsync(TestWorkers.Pool()))
            Assert.Contains("another bus", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => StartAsync(TestWorkers.Pool()))).Message, StringComparison.Ordinal);
        await using (await StartAsync(TestWorkers.Pool()))
            Assert.True(File.Exists(TracePath));
    }

    [Theory(DisplayName = "Values of secrets are redacted at any depth, and the rest stays byte for byte")]
    [InlineData("""{"token":"s3"}""", """{"token":"***"}""")]
    [InlineData("""{ "a" : [ { "API_KEY" : "s3" , "b" : 1.50 } ] }""", """{ "a" : [ { "API_KEY" : "***" , "b" : 1.50 } ] }""")]
    [InlineData("""{"x-api-key":{"deep":["s3",{"token":"s3"}]},"z":[]}""", """{"x-api-key":"***","z":[]}""")]
    [InlineData("""{"Authorization" : "Bearer s3", "password":null,"secret":12,"passwd":true}""", """{"Authorization" : "***", "password":"***","secret":"***","passwd":"***"}""")]
    [InlineData("""{"tok\u0065n":"s3","clientSecret":"s3","GITHUB_TOKEN":"s3"}""", """{"tok\u0065n":"***","clientSecret":"***","GITHUB_TOKEN":"***"}""")]
    [InlineData("""{"a\"token":"s\"3","b":"\\"}""", """{"a\"token":"***","b":"\\"}""")]
    [InlineData("""{"progressToken":"seen","tokens":5,"maxTokens":7,"tokenizer":"seen"}""", """{"progressToken":"seen","tokens":5,"maxTokens":7,"tokenizer":"seen"}""")]
    [InlineData("""{"env":[{"name":"OPENAI_API_KEY","value":"s3"},{"name":"HOME","value":"/h"}]}""", """{"env":[{"name":"OPENAI_API_KEY","value":"***"},{"name":"HOME","value":"/h"}]}""")]
    [InlineData("""{"value":{"a":"s3"},"x":1,"name":"Authorization"}""", """{"value":"***","x":1,"name":"Authorization"}""")]
    [InlineData("""{"name":"cookie","value":"s3","value":["s3"]}""", """{"name":"cookie","value":"***"}""")]
    [InlineData("""{"name":"token","value":{"token":"s3","name":"token","value":"s3"}}""", """{"name":"token","value":"***"}""")]
    [InlineData("""{"name":"token","inner":{"value":"seen"}}""", """{"name":"token","inner":{"value":"seen"}}""")]
    [InlineData("""["token","seen"]""", """["token","seen"]""")]
    public void Secrets_are_redacted(string message, string expected) =>
        Assert.Equal(expected, Redact(BusOptions.DefaultTraceRedactedKeys, message));

    [Fact(DisplayName = "Which keys are redacted is the user's choice: others, none, progressToken when named in full")]
    public void Keys_are_configurable()
    {
        const string Message = """{"token":"a","city":"b","progressToken":"c"}""";
        Assert.Equal("""{"token":"a","city":"***","progressToken":"c"}""", Redact(["City"], Message));
        Assert.Equal(Message, Redact([], Message));
        Assert.Equal("""{"token":"a","city":"b","progressToken":"***"}""", Redact(["progress-token"], Message));
        foreach (string?[] odd in new string?[][] { [""], ["-_"], [null] })
        {
            BusOptions options = TestWorkers.Options(TestWorkers.Pool());
            options.TraceRedactedKeys = odd!;
            Assert.StartsWith("TraceRedactedKeys:", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
        }
    }

    [Fact(DisplayName = "Redaction keeps any JSON valid, takes away every secret and nothing else")]
    public void Redaction_of_random_messages()
    {
        var random = new Random(11);
        for (int i = 0; i < 2000; i++)
        {
            JsonNode message = RandomNode(random, 5)!;
            string redacted = Redact(["token"], message.ToJsonString());
            JsonNode? read = JsonNode.Parse(redacted);
            Assert.DoesNotContain("s3cret", redacted, StringComparison.Ordinal);
            Assert.True(JsonNode.DeepEquals(Expected(message), read), $"{message.ToJsonString()} became {redacted}");
        }

        static JsonNode? RandomNode(Random random, int depth) => random.Next(depth > 0 ? 7 : 4) switch
        {
            0 => JsonValue.Create(random.Next()),
            1 => JsonValue.Create("te\"xt\\\n😀"),
            2 => JsonValue.Create(true),
            3 => new JsonObject(),
            4 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomNode(random, depth - 1))]),
            _ => RandomObject(random, depth),
        };

        static JsonObject RandomObject(Random random, int depth)
        {
            var made = new JsonObject();
            foreach (string name in new[] { "a", "b", "my_token", "c" }.OrderBy(_ => random.Next()).Take(random.Next(5)))
                made[name] = name != "my_token" ? RandomNode(random, depth - 1) : random.Next(2) == 0 ? "s3cret" : new JsonObject { ["x"] = new JsonArray("s3cret", 1) };
            return made;
        }

        static JsonNode? Expected(JsonNode? node) => node switch
        {
            JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, member.Key == "my_token" ? (JsonNode?)"***" : Expected(member.Value)))),
            JsonArray items => new JsonArray([.. items.Select(Expected)]),
            _ => node?.DeepClone(),
        };
    }

    [Fact(DisplayName = "A message 100,000 levels deep is redacted too; what is no JSON is refused whole")]
    public void Odd_messages_are_redacted_or_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("""{"a":""", 100_000)) + """{"token":"s3"}""" + new string('}', 100_000);
        Assert.Equal(deep.Replace("s3", "***", StringComparison.Ordinal), Redact(["token"], deep));
        foreach (string broken in new[] { "", "{", """{"token":"s3",}""", """{"a":"s3"} x""", "{'a':1}" })
        {
            var text = new ByteBuffer();
            Assert.False(new TraceRedaction(["token"]).Write(text, Encoding.UTF8.GetBytes(broken)));
            Assert.Equal(0, text.Length);
        }
    }

    [Fact(DisplayName = "In the file secrets are redacted, both ways, and text that is no JSON is not shown")]
    public async Task The_file_has_no_secrets()
    {
        await using (Bus bus = await StartAsync(TestWorkers.Pool()))
        {
            await bus.RequestAsync("echo", new { access_token = "s3cret", plain = "seen" }).Soon();
            await Assert.ThrowsAnyAsync<StdioBusException>(() => bus.SendAsync(new RawJson("""{"token":"s3cret",,}""")).Soon());
        }

        string text = await File.ReadAllTextAsync(TracePath);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        List<JsonElement> lines = ReadTrace();
        Assert.Equal(["***", "***"], [lines[0].GetProperty("message").GetProperty("params").GetProperty("access_token").GetString(), lines[1].GetProperty("message").GetProperty("result").GetProperty("access_token").GetString()]);
        Assert.Equal(("""{"token":"s3cret",,}""".Length, 3), (lines[2].GetProperty("invalidBytes").GetInt32(), lines.Count));
    }

    [Fact(DisplayName = "L33: a file that takes nothing holds up neither requests nor the end of the bus; its lines are counted as dropped")]
    public async Task A_trace_that_blocks_holds_up_nothing()
    {
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [TracePath]))
            await mkfifo.WaitForExitAsync().WaitAsync(TestWorkers.Patience);
        using var silent = new FileStream(TracePath, FileMode.Open, FileAccess.ReadWrite);
        await using Bus bus = await StartAsync(TestWorkers.Pool());
        var large = new RawJson($$"""{"pad":"{{new string('x', 1_000_000)}}"}""");
        for (int i = 0; i < 40; i++)
            Assert.Equal(1_000_000, (await bus.RequestAsync("echo", large).Soon()).GetProperty("pad").GetString()!.Length);
        Assert.InRange(bus.Statistics.DroppedTraceLines, 20, 79);
        await bus.StopAsync().Soon();
        Assert.Equal(BusState.Stopped, bus.State);
    }

    [Fact(DisplayName = "What is dropped while the file is slow is told by a line where it is missing")]
    public async Task Dropped_lines_are_told()
    {
        var counters = new BusCounters();
        var trace = new WireTrace(TracePath, new TraceRedaction([]), counters, new BusLog(8));
        byte[] message = Encoding.UTF8.GetBytes($$"""{"pad":"{{new string('x', WireTrace.MaxBytes / 4)}}"}""");
        trace.Open("trace");

        // The writer cannot keep up with copies that are dropped at once.
        while (Interlocked.Read(ref counters.DroppedTraceLines) < 10)
            trace.Add(new TraceLine { IsOut = true, Worker = 0 }, message);
        await trace.CloseAsync().Soon();
        JsonElement[] told = [.. ReadTrace().Where(line => line.TryGetProperty("dropped", out _))];
        Assert.NotEmpty(told);
        Assert.Equal(Interlocked.Read(ref counters.DroppedTraceLines), told.Sum(line => line.GetProperty("dropped").GetInt64()));
        trace.Add(new TraceLine { IsOut = true }, message);
    }

    [Fact(DisplayName = "A disk that is full is logged once, and its lines count as dropped")]
    public async Task A_full_disk_is_told()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.TracePath = "/dev/full";
        await using Bus bus = await TestWorkers.StartAsync(options);
        for (int i = 0; i < 10; i++)
            await bus.RequestAsync("echo").Soon();
        await bus.StopAsync().Soon();
        Assert.Equal(20, bus.Statistics.DroppedTraceLines);
        Assert.Contains("/dev/full", Assert.Single(bus.GetLog(), entry => entry.Level == BusLogLevel.Error).Text, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "The builder sets the trace, and a relative path is that of the moment")]
    public async Task The_builder_sets_the_trace()
    {
        await using Bus bus = new StdioBusBuilder().Pool(TestWorkers.Pool()).TracePath("x").TracePath(TracePath).TraceRedactedKeys(["a"]).Build();
        await bus.StartAsync().Soon();
        await bus.RequestAsync("echo", new { a = 1, token = 2 }).Soon();
        await bus.StopAsync().Soon();
        Assert.Equal("""{"a":"***","token":2}""", ReadTrace()[1].GetProperty("message").GetProperty("result").GetRawText());
        (BusOptions read, _) = BusOptionsReader.Read(new BusOptions { Config = new BusConfig(TestWorkers.Pool()), TracePath = "some.ndjson" });
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "some.ndjson"), read.TracePath);
        Assert.StartsWith("TracePath:", Assert.Throws<BusInvalidArgumentException>(() => new StdioBusBuilder().Pool(TestWorkers.Pool()).TracePath("").Build()).Message, StringComparison.Ordinal);
    }

    private static string Redact(IReadOnlyList<string> keys, string message)
    {
        var text = new ByteBuffer();
        Assert.True(new TraceRedaction(keys).Write(text, Encoding.UTF8.GetBytes(message)));
        return Encoding.UTF8.GetString(text.Written);
    }

    private static string Describe(JsonElement line)
    {
        JsonElement message = line.GetProperty("message");
        string what = message.TryGetProperty("error", out _) ? "error"
            : message.TryGetProperty("result", out JsonElement result) ? "result " + result.GetRawText()
            : message.GetProperty("method").GetString() + (message.TryGetProperty("params", out JsonElement parameters) && message.TryGetProperty("id", out _) ? " " + parameters.GetRawText() : "");
        string who = line.TryGetProperty("kernel", out _) ? "kernel" : line.GetProperty("worker").GetRawText();
        return $"{line.GetProperty("direction").GetString()} {who} {Text("pool")} {Text("session")} {what}";

        string Text(string name) => line.TryGetProperty(name, out JsonElement value) ? value.GetString()! : "-";
    }

    private List<JsonElement> ReadTrace() => [.. File.ReadLines(TracePath).Select(line => JsonDocument.Parse(line).RootElement)];

    private Task<Bus> StartAsync(params BusPool[] pools)
    {
        BusOptions options = TestWorkers.Options(pools);
        options.TracePath = TracePath;
        return TestWorkers.StartAsync(options);
    }
}
