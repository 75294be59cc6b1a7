using System.Text;
using System.Text.Json;

namespace StdioBus.Tests;

/// <summary>The scanner of messages and the writer of strings.</summary>
public sealed class JsonScanTests
{
    [Theory(DisplayName = "The members of a message are found whatever stands in and between them")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"id":2,"method":"x"}}""", "1", "", """{"id":2,"method":"x"}""")]
    [InlineData(""" { "id" : "a\"}" , "result" : [ "]" , {"x":"\\"} ] } """, "\"a\\\"}\"", "", """[ "]" , {"x":"\\"} ]""")]
    [InlineData("""{"m\u0065thod":"x","id":null}""", "null", "\"x\"", "")]
    [InlineData("""{"id":1,"id":2,"result":-1.5e3}""", "2", "", "-1.5e3")]
    [InlineData("{}", "", "", "")]
    public void Members_are_found(string json, string id, string method, string result)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(json);
        MessageView view = MessageView.Read(utf8);
        Assert.Equal((id, method, result), (Text(view.Id), Text(view.Method), Text(view.Result)));

        string Text(JsonSlice slice) => Encoding.UTF8.GetString(slice.Of(utf8));
    }

    [Fact(DisplayName = "A message cut off anywhere is no reason to read beyond it")]
    public void A_message_cut_off_is_harmless()
    {
        byte[] whole = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":"a\u0041","method":"x","params":{"sessionId":"s","update":{"content":{"text":"t\\"}}},"r":[1,{"a":[]}]}""");
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            MessageView.Read(cut);
            ParamsFacts.Read(cut);
            Assert.False(JsonScan.IsOneContainer(cut));
        }

        Assert.True(JsonScan.IsOneContainer(whole));
    }

    [Fact(DisplayName = "A36: any text survives writing and reading, lone surrogates included")]
    public void Any_text_survives()
    {
        var random = new Random(7);
        for (int round = 0; round < 2000; round++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(4) switch
            {
                0 => (char)random.Next(0x20, 0x7f),
                1 => (char)random.Next(0, 0x100),
                2 => (char)random.Next(0xd800, 0xe000),
                _ => (char)random.Next(0, 0x10000),
            })]);
            var buffer = new ByteBuffer();
            JsonStrings.Write(buffer, text);
            Assert.Equal(text, JsonStrings.Decode(buffer.Written));
            using var parsed = JsonDocument.Parse(buffer.Written.ToArray());
            Assert.Equal(JsonValueKind.String, parsed.RootElement.ValueKind);
            buffer.Release();
        }
    }

    [Theory(DisplayName = "Chunks become the text of the result: put in, replaced, or left alone")]
    [InlineData("{}", "{\"text\":\"AB\"}")]
    [InlineData("{ }", "{ \"text\":\"AB\"}")]
    [InlineData("""{"a":1}""", """{"a":1,"text":"AB"}""")]
    [InlineData("""{"text":"old","z":{"text":1}}""", """{"text":"AB","z":{"text":1}}""")]
    [InlineData("""{"t\u0065xt":[1]}""", """{"t\u0065xt":"AB"}""")]
    [InlineData("[1]", "[1]")]
    [InlineData("\"x\"", "\"x\"")]
    [InlineData("null", "null")]
    public void Chunks_become_the_text(string result, string expected)
    {
        var text = new ResultText();
        text.Append("A"u8);
        text.Append("B"u8);
        Assert.Equal(expected, Encoding.UTF8.GetString(ResultText.Complete(Encoding.UTF8.GetBytes(result), text)));
        Assert.Equal(result, Encoding.UTF8.GetString(ResultText.Complete(Encoding.UTF8.GetBytes(result), null)));
    }

    [Theory(DisplayName = "Method patterns match whole names")]
    [InlineData("*", "", true)]
    [InlineData("a", "a", true)]
    [InlineData("a", "ab", false)]
    [InlineData("a*", "a", true)]
    [InlineData("*a", "ba", true)]
    [InlineData("a*c*e", "abcde", true)]
    [InlineData("a*c*e", "abcd", false)]
    [InlineData("session/?pdate", "session/update", true)]
    [InlineData("?", "", false)]
    [InlineData("A", "a", false)]
    [InlineData("*ab", "aab", true)]
    public void Patterns_match_whole_names(string pattern, string name, bool matches) => Assert.Equal(matches, MethodPattern.Matches(pattern, name));
}
