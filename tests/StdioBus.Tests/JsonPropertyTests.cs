using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Values become JSON and come back, whatever they are.</summary>
public sealed class JsonPropertyTests
{
    private enum Level
    {
        Low = -1,
        High = 7,
    }

    [Fact(DisplayName = "A36: any text comes back as it was, lone surrogates too; as a key as well, or with an error where the runtime cannot")]
    public void Text_comes_back()
    {
        AnyJson.Holds(AnyJson.Text, text =>
        {
            Assert.Equal(text, RoundTrip(new[] { text })[0]);
            var keyed = new Dictionary<string, string> { [text] = text };
            if (IsWellFormed(text))
                Assert.Equal(keyed, RoundTrip(keyed));
            else
                Assert.Throws<JsonException>(() => RoundTrip(keyed));
            Assert.Equal(text, JsonStrings.Decode(Write(keyed).AsSpan(1)[..JsonScan.SkipValue(Write(keyed).AsSpan(1), 0)]));
            Assert.Equal(text, RoundTrip(new Holder<string>(text)).Value);
        });
    }

    [Fact(DisplayName = "A36: text is valid UTF-8 on the wire, on one line, and the runtime's own reader agrees where it can")]
    public void Text_is_valid_on_the_wire()
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        AnyJson.Holds(AnyJson.Text, text =>
        {
            byte[] json = Write(new[] { text });
            Assert.DoesNotContain("\n", strict.GetString(json), StringComparison.Ordinal);
            JsonElement item = JsonDocument.Parse(json).RootElement[0];
            if (IsWellFormed(text))
                Assert.Equal(text, item.GetString());
            else
                Assert.Throws<InvalidOperationException>(() => item.GetString());
        });
    }

    [Fact(DisplayName = "A36: keys that differ by case, empty ones and repeated look-alikes stay apart")]
    public void Keys_stay_apart()
    {
        var members = new Dictionary<string, int> { ["a"] = 1, ["A"] = 2, [""] = 3, [" "] = 4, ["é"] = 5, ["e\u0301"] = 6, ["😀"] = 7, ["\ufffd"] = 8 };
        Assert.Equal(members, RoundTrip(members));
        Cases cases = RoundTrip(new Cases { value = 1, Value = 2 });
        Assert.Equal((1, 2), (cases.value, cases.Value));
    }

    [Fact(DisplayName = "A36: numbers of every kind come back exactly")]
    public void Numbers_come_back()
    {
        AnyJson.Holds(AnyJson.Number, n => Assert.Equal(BitConverter.DoubleToInt64Bits(n), BitConverter.DoubleToInt64Bits(RoundTrip(new[] { n })[0])));
        AnyJson.Holds(Gen.Choose(int.MinValue, int.MaxValue).Two(), n =>
        {
            long integer = ((long)n.Item1 << 32) ^ n.Item2;
            Assert.Equal(integer, RoundTrip(new[] { integer })[0]);
            Assert.Equal((ulong)integer, RoundTrip(new[] { (ulong)integer })[0]);
            BigInteger big = new BigInteger(integer) * integer * integer * integer;
            Assert.Equal(big, RoundTrip(new[] { big })[0]);
            Assert.Equal($"[{big.ToString(CultureInfo.InvariantCulture)}]", Encoding.UTF8.GetString(Write(new[] { big })));
            Assert.Equal((Int128)integer * n.Item1, RoundTrip(new[] { (Int128)integer * n.Item1 })[0]);
            decimal money = new(n.Item1, n.Item2, n.Item1, n.Item2 < 0, (byte)((uint)n.Item1 % 29));
            Assert.Equal(money.ToString(CultureInfo.InvariantCulture), RoundTrip(new[] { money })[0].ToString(CultureInfo.InvariantCulture));
        });
    }

    [Theory(DisplayName = "A36: numbers that JSON does not have are refused, nested ones too")]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void What_is_no_number_is_refused(double number)
    {
        Assert.Throws<BusInvalidArgumentException>(() => Write(new[] { number }));
        Assert.Throws<BusInvalidArgumentException>(() => Write(new { deep = new object[] { new { number } } }));
        Assert.Throws<BusInvalidArgumentException>(() => Write(new[] { (float)number }));
    }

    [Fact(DisplayName = "A36: dates, times, enums, identifiers and byte arrays come back")]
    public void Other_values_come_back()
    {
        AnyJson.Holds(Gen.Choose(0, int.MaxValue).Two(), n =>
        {
            var date = new DateTime(((long)n.Item1 * n.Item2) % DateTime.MaxValue.Ticks, DateTimeKind.Utc);
            Assert.Equal(date, RoundTrip(new[] { date })[0]);
            var local = new DateTimeOffset(date.Ticks, TimeSpan.Zero);
            Assert.Equal(local, RoundTrip(new[] { local })[0]);
            Assert.Equal(DateOnly.FromDateTime(date), RoundTrip(new[] { DateOnly.FromDateTime(date) })[0]);
            var bytes = new byte[n.Item1 % 1000];
            new Random(n.Item2).NextBytes(bytes);
            Assert.Equal(bytes, RoundTrip(new[] { bytes })[0]);
        });
        Assert.Equal([Level.Low, Level.High, (Level)3], RoundTrip(new[] { Level.Low, Level.High, (Level)3 }));
        var id = Guid.NewGuid();
        Assert.Equal(id, RoundTrip(new[] { id })[0]);
        Assert.Equal([null, 5], RoundTrip(new int?[] { null, 5 }));
    }

    [Fact(DisplayName = "A36: JSON given as text goes out byte for byte, but for line breaks between its tokens")]
    public void Raw_text_goes_out_as_it_is()
    {
        AnyJson.Holds(AnyJson.Container, json =>
        {
            string sent = Encoding.UTF8.GetString(Write(new RawJson(json)));
            Assert.Equal(json.Replace('\n', ' ').Replace('\r', ' '), sent);
            Assert.Equal(sent, Encoding.UTF8.GetString(Write(new { inner = new RawJson(json) })[9..^1]));
        });
    }

    [Fact(DisplayName = "A36: JSON given as an element or a document goes out with the same meaning, numbers as they were written")]
    public void Elements_go_out_as_they_are()
    {
        AnyJson.Holds(AnyJson.Container, json =>
        {
            using JsonDocument document = JsonDocument.Parse(json);
            foreach (object given in new object[] { document, document.RootElement })
            {
                byte[] sent = Write(given);
                Assert.Equal(-1, sent.AsSpan().IndexOfAny((byte)'\n', (byte)'\r'));
                AssertSame(document.RootElement, JsonDocument.Parse(sent).RootElement);
            }
        });
    }

    [Fact(DisplayName = "A36: what arrives is the JsonElement, the raw text and the type that was sent, through a real worker")]
    public async Task What_was_sent_arrives()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        List<string> containers = [.. Gen.Sample(AnyJson.Container, 40, 300)];
        foreach (string json in containers)
        {
            string line = json.Replace('\n', ' ').Replace('\r', ' ');
            Assert.Equal(line, (await bus.RequestRawAsync("echo", new RawJson(json)).Soon()).ToString());
            AssertSame(JsonDocument.Parse(json).RootElement, await bus.RequestAsync("echo", new RawJson(json)).Soon());
        }

        string[] texts = [.. Gen.Sample(AnyJson.Text, 40, 300)];
        Assert.Equal(texts, await bus.RequestAsync<string[]>("echo", texts).Soon());
        Dictionary<string, string> members = texts.Where(IsWellFormed).Distinct().ToDictionary(text => text, text => text + text);
        Assert.Equal(members, await bus.RequestAsync<Dictionary<string, string>>("echo", members).Soon());
        Assert.Equal(new Holder<BigInteger>(BigInteger.Pow(7, 400)), await bus.RequestAsync<Holder<BigInteger>>("echo", new Holder<BigInteger>(BigInteger.Pow(7, 400))).Soon());
    }

    [Fact(DisplayName = "A36: a text cut anywhere into chunks, emoji in halves too, arrives whole")]
    public async Task Chunks_join()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused")));
        await using var _ = bus;
        AnyJson.Holds(
            AnyJson.Text.Zip(Gen.Choose(0, int.MaxValue)),
            given =>
            {
                Task<Dictionary<string, string>?> whole = bus.RequestAsync<Dictionary<string, string>>("m");
                string id = backend.TakeId();
                var random = new Random(given.Item2);
                for (int at = 0; at < given.Item1.Length;)
                {
                    int length = Math.Min(random.Next(1, 4), given.Item1.Length - at);
                    backend.Receive("""{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":""" + Encoding.UTF8.GetString(Write(new[] { given.Item1.Substring(at, length) })[1..^1]) + "}}}}");
                    at += length;
                }

                backend.Answer(id, "{}");
                Dictionary<string, string> result = whole.WaitAsync(TestWorkers.Patience).GetAwaiter().GetResult()!;
                Assert.Equal(given.Item1, result.GetValueOrDefault("text", ""));
            },
            200);
    }

    [Fact(DisplayName = "A36: 200 levels and 1,000 go out and come back; one more is refused, and so is a cycle")]
    public void Depth_is_kept()
    {
        foreach (int levels in new[] { 200, 1000 })
        {
            object value = new object[] { 7 };
            for (int i = 1; i < levels; i++)
                value = i % 2 == 0 ? new object[] { value } : new Dictionary<string, object> { ["k"] = value };
            byte[] json = Write(value);
            Assert.Equal(levels, json.Count(c => c is (byte)'[' or (byte)'{'));
            JsonElement read = ExactJson.Read<JsonElement>(json, null);
            for (int i = levels; i > 0; i--)
                read = read.ValueKind == JsonValueKind.Array ? read[0] : read.GetProperty("k");
            Assert.Equal(7, read.GetInt32());
            if (levels == 1000)
                Assert.Throws<BusInvalidArgumentException>(() => Write(new[] { value }));
        }

        var cycle = new List<object>();
        cycle.Add(new Dictionary<string, object> { ["again"] = cycle });
        Assert.Contains("cycle", Assert.Throws<BusInvalidArgumentException>(() => Write(cycle)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A36: a string of 10 MB arrives whole, plain, escaped and with lone surrogates")]
    public async Task A_large_string_arrives()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Limits = new BusLimits { MaxInputBuffer = 128 * 1024 * 1024 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        foreach (string part in new[] { "x", "\"\n", "é😀", "\ud83d" })
        {
            string text = string.Concat(Enumerable.Repeat(part, 10_000_000 / part.Length));
            Assert.True(text == (await bus.RequestAsync<string[]>("echo", new[] { text }).Soon())![0], $"10 MB of {(int)part[0]:x4} came back as something else");
        }
    }

    [Fact(DisplayName = "A result becomes the caller's type by the caller's options, which hold for the parameters too; a result of another form is an error")]
    public async Task Types_and_options()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var web = new RequestOptions { SerializerOptions = new JsonSerializerOptions(JsonSerializerDefaults.Web) };
        Assert.Equal("""{"value":5}""", (await bus.RequestAsync<RawJson>("echo", new Holder<int>(5), web).Soon()).ToString());
        Assert.Equal(new Holder<int>(5), await bus.RequestAsync<Holder<int>>("echo", new Holder<int>(5), web).Soon());
        Assert.Equal(new Holder<int>(5), await bus.RequestAsync<Holder<int>>("echo", new Holder<int>(5)).Soon());
        Assert.Null(await bus.RequestAsync<Holder<int>>("echo").Soon());
        await Assert.ThrowsAsync<JsonException>(() => bus.RequestAsync<int[]>("echo", new { a = 1 }).Soon());
        Assert.Equal(new Holder<int>(6), await bus.RequestAsync<Holder<int>>("echo", new JsonObject { ["Value"] = 6 }).Soon());
        using var blocking = new BlockingBus(bus);
        Assert.Equal(new Holder<int>(7), blocking.Request<Holder<int>>("echo", new Holder<int>(7)));
    }

    private static byte[] Write(object value)
    {
        var text = new ByteBuffer();
        ParamsWriter.Write(text, value);
        return text.Written.ToArray();
    }

    private static T RoundTrip<T>(T value)
        where T : class => ExactJson.Read<T>(Write(value), null)!;

    private static bool IsWellFormed(string text) => text == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    // Members and items in their order, strings by their meaning, numbers by their text.
    private static void AssertSame(JsonElement expected, JsonElement actual)
    {
        Assert.Equal(expected.ValueKind, actual.ValueKind);
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                JsonProperty[] members = [.. actual.EnumerateObject()];
                Assert.Equal(expected.EnumerateObject().Count(), members.Length);
                int index = 0;
                foreach (JsonProperty member in expected.EnumerateObject())
                {
                    Assert.Equal(AnyJson.NameOf(member), AnyJson.NameOf(members[index]));
                    AssertSame(member.Value, members[index++].Value);
                }

                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                for (int i = 0; i < expected.GetArrayLength(); i++)
                    AssertSame(expected[i], actual[i]);
                break;
            case JsonValueKind.String:
                Assert.Equal(ExactJson.Read<string>(Encoding.UTF8.GetBytes(expected.GetRawText()), null), ExactJson.Read<string>(Encoding.UTF8.GetBytes(actual.GetRawText()), null));
                break;
            default:
                Assert.Equal(expected.GetRawText(), actual.GetRawText());
                break;
        }
    }

    private sealed record Holder<T>(T Value);

    private sealed class Cases
    {
        public int value { get; set; }

        public int Value { get; set; }
    }
}
