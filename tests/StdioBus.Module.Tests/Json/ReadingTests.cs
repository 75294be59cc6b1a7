using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using StdioBus.Module.Json;
using Xunit;

namespace StdioBus.Module.Tests.Json;

[Trait("Covers", "A36")]
public class ReadingTests
{
    private static object? Read(string json) => PowerShellJsonReader.Objects.Read(Encoding.UTF8.GetBytes(json));

    private static object? ReadHashtable(string json) => PowerShellJsonReader.Hashtables.Read(Encoding.UTF8.GetBytes(json));

    private static string Refusal(string json) => Assert.Throws<JsonConversionException>(() => Read(json)).Message;

    public static TheoryData<string, object?> Scalars => new()
    {
        { "null", null },
        { "true", true },
        { "false", false },
        { "0", 0L },
        { "-0", 0L },
        { "9223372036854775807", long.MaxValue },
        { "9223372036854775808", BigInteger.Parse("9223372036854775808", CultureInfo.InvariantCulture) },
        { "-99999999999999999999", BigInteger.Parse("-99999999999999999999", CultureInfo.InvariantCulture) },
        { "1.0", 1.0 },
        { "1e2", 100.0 },
        { "-2.5E-1", -0.25 },
        { "\"\"", "" },
        { "\"2026-11-22T17:30:00Z\"", "2026-11-22T17:30:00Z" },
        { "\"/Date(0)/\"", "/Date(0)/" },
        { "\"7c1c2a58-3f0e-4b57-9d4e-5a6f0c6f7d11\"", "7c1c2a58-3f0e-4b57-9d4e-5a6f0c6f7d11" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041é\\u00e9\"", "\"\\/\b\f\n\r\tAéé" },
        { " \"x\" ", "x" },
    };

    [Theory]
    [MemberData(nameof(Scalars))]
    public void A_scalar_keeps_its_kind(string json, object? value)
    {
        object? read = Read(json);
        Assert.Equal(value, read);
        Assert.Equal(value?.GetType(), read?.GetType());
    }

    [Fact]
    public void Strings_survive_both_ways_lone_surrogates_too()
    {
        Assert.All(["\ud83d", "\ude00", "a\ud83d\ud83d\ude00\ude00b", "😀"], text =>
        {
            Assert.Equal(text, PowerShellJsonReader.Objects.Read(PowerShellJsonWriter.Write(text)));
            var members = Assert.IsType<OrderedDictionary>(PowerShellJsonReader.Hashtables.Read(PowerShellJsonWriter.Write(new Hashtable { [text] = text })));
            Assert.Equal(text, members[text]);
        });
    }

    [Fact]
    public void Two_halves_of_an_emoji_join_into_one()
    {
        Assert.Equal("😀", (string?)Read("\"\\uD83D\"") + (string?)Read("\"\\uDE00\""));
    }

    [Fact]
    public void A_string_of_ten_megabytes_arrives_whole_with_and_without_escapes()
    {
        string text = new('x', 10_000_000);
        Assert.Equal(text, Read('"' + text + '"'));
        Assert.Equal(text + "\n" + text, Read('"' + text + "\\n" + text + '"'));
    }

    [Fact]
    public void An_object_is_a_custom_object_whose_properties_keep_their_order()
    {
        var item = Assert.IsType<PSObject>(Read("""{"z":1,"a":{"b":[]},"m":null}"""));
        Assert.IsType<PSCustomObject>(item.BaseObject);
        Assert.Equal(["z", "a", "m"], item.Properties.Select(p => p.Name));
        Assert.Equal(1L, item.Properties["Z"].Value);
        Assert.Empty(Assert.IsType<object[]>(((PSObject)item.Properties["a"].Value).Properties["b"].Value));
        Assert.Null(item.Properties["m"].Value);
    }

    [Fact]
    public void With_hashtables_every_object_is_an_ordered_case_sensitive_dictionary()
    {
        var members = Assert.IsType<OrderedDictionary>(ReadHashtable("""{"z":1,"a":[{"x":1,"X":2}],"":3,"PSObject":4}"""));
        Assert.Equal(["z", "a", "", "PSObject"], members.Keys.Cast<string>());
        var inner = Assert.IsType<OrderedDictionary>(Assert.IsType<object[]>(members["a"])[0]);
        Assert.Equal((1L, 2L), (inner["x"], inner["X"]));
        Assert.Null(members["Z"]);
    }

    [Fact]
    public void The_last_of_members_with_the_same_name_wins()
    {
        Assert.Equal(2L, Assert.IsType<PSObject>(Read("""{"a":1,"b":0,"a":2}""")).Properties["a"].Value);
        Assert.Equal(2L, Assert.IsType<OrderedDictionary>(ReadHashtable("""{"a":1,"b":0,"a":2}"""))["a"]);
    }

    [Fact]
    public void Names_that_a_custom_object_cannot_have_are_errors_that_say_where_and_what_to_do()
    {
        Assert.Equal(
            "The object at $.list[1] has the members 'a' and 'A', which differ only by case. A custom object cannot hold that: use -AsHashtable.",
            Refusal("""{"list":[0,{"a":1,"A":2}]}"""));
        Assert.Equal(
            "The object at $.o has an empty member name. A custom object cannot hold that: use -AsHashtable.",
            Refusal("""{"o":{"":1}}"""));
    }

    [Theory]
    [InlineData("psobject")]
    [InlineData("PSTypeNames")]
    [InlineData("psbase")]
    [InlineData("psadapted")]
    [InlineData("psextended")]
    [InlineData("ToString")]
    [InlineData("Count")]
    public void A_name_that_the_engine_uses_is_kept_or_refused_clearly(string name)
    {
        try
        {
            var item = Assert.IsType<PSObject>(Read("{\"" + name + "\":\"mine\"}"));
            Assert.Equal("mine", item.Properties[name]?.Value);
        }
        catch (JsonConversionException error)
        {
            Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
            Assert.Contains("-AsHashtable", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(200)]
    [InlineData(1000)]
    public void Nesting_is_kept_to_the_last_level(int levels)
    {
        string json = string.Concat(Enumerable.Repeat("[", levels)) + "7" + new string(']', levels);
        object? value = Read(json);
        for (int i = 0; i < levels; i++)
            value = Assert.Single(Assert.IsType<object[]>(value));

        Assert.Equal(7L, value);
    }

    [Fact]
    public void One_level_too_many_is_an_error()
    {
        Assert.Contains("nested deeper than 1000 levels", Refusal(new string('[', 1001) + new string(']', 1001)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1,]")]
    [InlineData("1 2")]
    [InlineData("\"\\ud8\"")]
    public void Broken_text_is_an_error(string json)
    {
        Assert.StartsWith("The text is not one JSON value", Refusal(json), StringComparison.Ordinal);
    }
}
