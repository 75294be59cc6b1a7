using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Text;
using StdioBus.Module.Json;
using Xunit;

namespace StdioBus.Module.Tests.Json;

[Trait("Covers", "A36")]
public class ParamsTests
{
    private static string? From(object? value) => RequestParams.From(value) is byte[] json ? Encoding.UTF8.GetString(json) : null;

    private static string Merge(string common, string input) =>
        Encoding.UTF8.GetString(RequestParams.Merge(Encoding.UTF8.GetBytes(common), Encoding.UTF8.GetBytes(input)));

    [Fact]
    public void Objects_and_arrays_are_params_and_nothing_is_left_out()
    {
        Assert.Equal("""{"a":1}""", From(new Hashtable { ["a"] = 1 }));
        Assert.Equal("[1,null]", From(new object?[] { 1, null }));
        Assert.Null(From(null));
        Assert.Null(From(AutomationNull.Value));
    }

    [Fact]
    public void Json_text_of_an_object_or_array_passes_as_written_on_one_line()
    {
        Assert.Equal(" { \"a\" : 1.000,  \"b\":[ ] } ", From(" { \"a\" : 1.000,\r\n\"b\":[ ] }\n"));
        Assert.Equal("""["\ud83d"]""", From("""["\ud83d"]"""));
        Assert.Equal("[\"\\ud83d😀\"]", From("[\"\ud83d😀\"]"));
        Assert.Equal("[]", From(new PSObject("[]")));
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("")]
    [InlineData("\"quoted\"")]
    [InlineData("12")]
    public void Other_text_is_refused_and_the_message_says_how_to_send_it(string text)
    {
        Assert.Contains("@{ value = 'text' }", Assert.Throws<JsonConversionException>(() => From(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"a\":}")]
    [InlineData("{'a':1}")]
    [InlineData("[1] [2]")]
    [InlineData("{\"a\":\"line\nbreak\"}")]
    public void Text_that_only_looks_like_json_is_refused(string text)
    {
        Assert.StartsWith("The text is not one JSON value", Assert.Throws<JsonConversionException>(() => From(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(true)]
    [InlineData(DayOfWeek.Friday)]
    public void A_scalar_is_no_params(object value)
    {
        Assert.StartsWith("expected an object or an array", Assert.Throws<JsonConversionException>(() => From(value)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_objects_are_joined_and_the_input_wins()
    {
        Assert.Equal("""{"a":1,"b":{"y":2},"c":3}""", Merge("""{ "a" : 1, "b": {"x":1} }""", """{"c":3, "b":{"y":2}}"""));
        Assert.Equal("""{"a":1}""", Merge("{}", """{"a":1}"""));
        Assert.Equal("""{"a":1}""", Merge("""{"a":1}""", "{}"));
        Assert.Equal("""{"A":1,"a":2}""", Merge("""{"A":1}""", """{"\u0061":2}"""));
    }

    [Theory]
    [InlineData("[1]", "{}")]
    [InlineData("{}", " [1]")]
    public void An_array_cannot_be_joined(string common, string input)
    {
        Assert.Contains("both must be objects", Assert.Throws<JsonConversionException>(() => Merge(common, input)).Message, StringComparison.Ordinal);
    }
}
