using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using StdioBus.Module.Json;
using Xunit;

namespace StdioBus.Module.Tests.Json;

[Trait("Covers", "A36")]
public class WritingTests
{
    private static string Write(object? value) => Encoding.UTF8.GetString(PowerShellJsonWriter.Write(value));

    private static string Refusal(object? value) => Assert.Throws<JsonConversionException>(() => Write(value)).Message;

    public static TheoryData<object?, string> Scalars => new()
    {
        { null, "null" },
        { DBNull.Value, "null" },
        { true, "true" },
        { new SwitchParameter(true), "true" },
        { 'x', "\"x\"" },
        { sbyte.MinValue, "-128" },
        { long.MinValue, "-9223372036854775808" },
        { ulong.MaxValue, "18446744073709551615" },
        { Int128.MinValue, "-170141183460469231731687303715884105728" },
        { BigInteger.Parse("123456789012345678901234567890", CultureInfo.InvariantCulture), "123456789012345678901234567890" },
        { 79228162514264337593543950335m, "79228162514264337593543950335" },
        { 1.50m, "1.50" },
        { 0.1, "0.1" },
        { 1.0, "1.0" },
        { -0.0, "-0.0" },
        { 1e300, "1E+300" },
        { 0.1f, "0.1" },
        { (Half)0.5, "0.5" },
        { DayOfWeek.Friday, "\"Friday\"" },
        { FileAttributes.Hidden | FileAttributes.ReadOnly, "\"ReadOnly, Hidden\"" },
        { new DateTime(2026, 11, 22, 17, 30, 0, 5, DateTimeKind.Utc), "\"2026-11-22T17:30:00.0050000Z\"" },
        { new DateTime(2026, 11, 22), "\"2026-11-22T00:00:00.0000000\"" },
        { new DateTimeOffset(2026, 11, 22, 1, 2, 3, TimeSpan.FromHours(-5)), "\"2026-11-22T01:02:03.0000000-05:00\"" },
        { new DateOnly(2026, 11, 22), "\"2026-11-22\"" },
        { Guid.Parse("7c1c2a58-3f0e-4b57-9d4e-5a6f0c6f7d11"), "\"7c1c2a58-3f0e-4b57-9d4e-5a6f0c6f7d11\"" },
        { new Uri("file:///a b"), "\"file:///a b\"" },
        { new Version(7, 4, 1), "\"7.4.1\"" },
        { new SemanticVersion(7, 6, 9, "rc.1"), "\"7.6.9-rc.1\"" },
        { new byte[] { 0, 255, 16 }, "\"AP8Q\"" },
    };

    [Theory]
    [MemberData(nameof(Scalars))]
    public void A_scalar_has_one_written_form(object? value, string json)
    {
        Assert.Equal(json, Write(value));
        if (value is not null)
            Assert.Equal(json, Write(new PSObject(value)));
    }

    [Fact]
    public void Numbers_and_dates_do_not_follow_the_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        odd.NumberFormat.NumberDecimalSeparator = ",";
        odd.NumberFormat.NegativeSign = "~";
        try
        {
            CultureInfo.CurrentCulture = odd;
            Assert.Equal("[-1.5,-2.5,-3,-4]", Write(new object[] { -1.5, -2.5m, -3, new BigInteger(-4) }));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_number_that_json_does_not_have_is_refused_with_its_path(double number)
    {
        Assert.StartsWith("$.a[1] is ", Refusal(new Hashtable { ["a"] = new object[] { 1, number } }), StringComparison.Ordinal);
        Assert.StartsWith("$ is ", Refusal((float)number), StringComparison.Ordinal);
    }

    [Fact]
    public void Strings_are_escaped_where_json_wants_it_and_plain_elsewhere()
    {
        Assert.Equal("\"q\\\" b\\\\ /\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f é 漢 😀\"", Write("q\" b\\ /\b\f\n\r\t\0\u001f\u007f é 漢 😀"));
    }

    // The strings are not theory data: attributes and test reports cannot carry a lone surrogate.
    [Fact]
    public void Lone_surrogates_are_written_as_escapes_and_pairs_as_text()
    {
        (string Text, string Json)[] cases =
        [
            ("\ud83d", "\"\\ud83d\""),
            ("\ude00", "\"\\ude00\""),
            ("a\ud83d\ud83d\ude00\ude00b", "\"a\\ud83d😀\\ude00b\""),
        ];
        Assert.All(cases, one =>
        {
            Assert.Equal(one.Json, Write(one.Text));
            Assert.Equal("{" + one.Json + ":1}", Write(new Hashtable { [one.Text] = 1 }));
        });
    }

    [Fact]
    public void A_string_of_ten_megabytes_arrives_whole()
    {
        string text = new string('x', 5_000_000) + "\"é" + new string('漢', 2_000_000);
        Assert.Equal(text, JsonSerializer.Deserialize<string>(PowerShellJsonWriter.Write(text)));
    }

    [Fact]
    public void Ordered_dictionaries_keep_their_order_and_any_dictionary_will_do()
    {
        Assert.Equal("""{"z":1,"a":2,"m":3}""", Write(new OrderedDictionary { ["z"] = 1, ["a"] = 2, ["m"] = 3 }));
        Assert.Equal("""{"k":[1]}""", Write(new Dictionary<string, int[]> { ["k"] = [1] }));
        Assert.Equal("{}", Write(new Hashtable()));
    }

    [Fact]
    public void Keys_become_text_and_two_that_read_the_same_are_refused()
    {
        Assert.Equal("""{"1":true,"Friday":true,"":true}""", Write(new OrderedDictionary { [(object)1] = true, [DayOfWeek.Friday] = true, [""] = true }));
        Assert.Equal(
            "$ has two keys that both read '1' as text. JSON members are told apart by their text.",
            Refusal(new Hashtable { [1] = 1, ["1"] = 2 }));
        Assert.StartsWith("$.a has a key that is a System.Object[]", Refusal(new Hashtable { ["a"] = new Hashtable { [new object[1]] = 1 } }), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_differ_by_case_are_two_members()
    {
        Assert.Equal("""{"a":1,"A":2}""", Write(new OrderedDictionary(StringComparer.Ordinal) { ["a"] = 1, ["A"] = 2 }));
    }

    [Fact]
    public void A_custom_object_gives_its_properties_and_those_added_to_it()
    {
        var item = new PSObject();
        item.Properties.Add(new PSNoteProperty("first", new PSObject((object)1)));
        item.Properties.Add(new PSNoteProperty("nested", new PSObject()));
        item.Properties.Add(new PSAliasProperty("alias", "first"));
        item.Properties.Add(new PSVariableProperty(new PSVariable("variable", "v")));
        item.Methods.Add(new PSCodeMethod("ignored", typeof(EtsMembers).GetMethod(nameof(EtsMembers.Read))));
        Assert.Equal("""{"first":1,"nested":{},"alias":1,"variable":"v"}""", Write(item));
    }

    [Fact]
    public void A_scalar_with_added_members_is_still_a_scalar()
    {
        var text = new PSObject("line");
        text.Properties.Add(new PSNoteProperty("PSPath", "/etc/hosts"));
        Assert.Equal("\"line\"", Write(text));
    }

    [Fact]
    public void A_property_that_throws_is_an_error_with_its_path()
    {
        var item = new PSObject();
        item.Properties.Add(new PSCodeProperty("bad", typeof(EtsMembers).GetMethod(nameof(EtsMembers.Throw))));
        Assert.Matches(@"^\$\.outer\.bad could not be read: .*out of order", Refusal(new Hashtable { ["outer"] = item }));
    }

    [Fact]
    public void Collections_of_every_kind_are_arrays()
    {
        Assert.Equal("[1,[2],[3],[4],[5],[]]", Write(new object[]
        {
            1, new ArrayList { 2 }, new List<int> { 3 }, new Queue<int>([4]), new HashSet<int> { 5 }, Enumerable.Empty<object>(),
        }));
        Assert.Equal("[[1,2],[3]]", Write(new[] { new[] { 1, 2 }, [3] }));
        Assert.Contains("more than one dimension", Refusal(new int[2, 2]), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_from_elsewhere_passes_as_it_is_on_one_line()
    {
        using JsonDocument document = JsonDocument.Parse("{ \"a\":\r\n 1.00, \"b\": \"\\ud83d\" }");
        Assert.Equal("[{ \"a\":   1.00, \"b\": \"\\ud83d\" },{\"n\":1}]", Write(new object[] { document.RootElement, JsonNode.Parse("{\"n\":1}")! }));
        Assert.Equal("[1.10]", Write(new RawJson("[1.10]")));
    }

    public static TheoryData<object> LiveObjects =>
    [
        new FileInfo("/etc/hosts"), System.Diagnostics.Process.GetCurrentProcess(),
        new PSCredential("u", new System.Security.SecureString()), new System.Security.SecureString(), ScriptBlock.Create("1"),
        new NameValueCollection { ["a"] = "b" }, new System.Xml.XmlDocument(), TimeSpan.FromSeconds(1), typeof(string), new object(),
    ];

    [Theory]
    [MemberData(nameof(LiveObjects))]
    public void Other_net_objects_are_refused_with_path_and_type(object value)
    {
        Assert.StartsWith(
            $"$.files[0] is a {value.GetType().FullName}, which has no JSON form",
            Refusal(new Hashtable { ["files"] = new[] { PSObject.AsPSObject(value) } }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cycle_is_refused_and_both_ends_are_named()
    {
        var inner = new Hashtable();
        var outer = new Hashtable { ["a"] = new Hashtable { ["odd key"] = new object[] { 1, inner } } };
        inner["back"] = outer["a"];
        Assert.Equal("$.a['odd key'][1].back contains itself: it is the same object as $.a.", Refusal(outer));

        var item = new PSObject();
        item.Properties.Add(new PSNoteProperty("self", item));
        Assert.Equal("$.self contains itself: it is the same object as $.", Refusal(item));

        var list = new List<object>();
        list.Add(new PSObject(list));
        Assert.Equal("$[0] contains itself: it is the same object as $.", Refusal(list));
    }

    [Fact]
    public void A_value_may_write_another_while_it_is_written()
    {
        var item = new PSObject();
        item.Properties.Add(new PSNoteProperty("a", 1));
        item.Properties.Add(new PSCodeProperty("b", typeof(WritingTests).GetMethod(nameof(WriteInTurn))));
        item.Properties.Add(new PSNoteProperty("c", new Hashtable { ["a"] = 3 }));
        for (int i = 0; i < 2; i++)
            Assert.Equal("""{"x":{"a":1,"b":"{\"a\":{\"x\":2}}","c":{"a":3}}}""", Write(new Hashtable { ["x"] = item }));
    }

    public static string WriteInTurn(PSObject item)
    {
        Assert.NotNull(item);
        return Write(new Hashtable { ["a"] = new Hashtable { ["x"] = 2 } });
    }

    [Fact]
    public void What_could_not_be_written_leaves_nothing_behind()
    {
        var refused = new Hashtable { ["a"] = new Hashtable { ["b"] = new object[] { 1, new Hashtable { [1] = 1, ["1"] = 2 } } } };
        for (int i = 0; i < 2; i++)
        {
            Assert.StartsWith("$.a.b[1] has two keys", Refusal(refused), StringComparison.Ordinal);
            Assert.Equal("""{"a":{"b":{"1":1}}}""", Write(new Hashtable { ["a"] = new Hashtable { ["b"] = new Hashtable { ["1"] = 1 } } }));
        }
    }

    [Fact]
    public void The_same_object_twice_side_by_side_is_no_cycle()
    {
        var shared = new Hashtable { ["x"] = 1 };
        Assert.Equal("""[{"x":1},{"x":1}]""", Write(new[] { shared, shared }));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(1000)]
    public void Nesting_is_kept_to_the_last_level(int levels)
    {
        object value = "deep";
        for (int i = 0; i < levels; i++)
            value = i % 3 == 0 ? new object[] { value } : i % 3 == 1 ? new Hashtable { ["k"] = value } : Custom("p", value);

        string json = Write(value);
        Assert.Equal(levels, json.Count(c => c is '[' or '{'));
        Assert.Contains("\"deep\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void One_level_too_many_is_refused_with_a_path_that_can_be_read()
    {
        object value = Array.Empty<object>();
        for (int i = 0; i < 1000; i++)
            value = new Hashtable { ["k"] = value };

        string message = Refusal(value);
        Assert.EndsWith(" is nested deeper than 1000 levels.", message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 40, 120);
    }

    private static PSObject Custom(string name, object? value)
    {
        var item = new PSObject();
        item.Properties.Add(new PSNoteProperty(name, value));
        return item;
    }
}
