using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The scan of a message beside the runtime's own parser.</summary>
public sealed class MessageScanProperties
{
    [Fact(DisplayName = "What the scan finds in a message is what a whole parser finds, whatever stands around it, twice or elsewhere")]
    public void The_scan_agrees_with_a_parser() => AnyJson.Holds(
        Message,
        json =>
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(json);
            MessageView view = MessageView.Read(utf8);
            JsonElement? message = JsonDocument.Parse(utf8).RootElement;
            AssertIs(Last(message, "id"), view.Id);
            AssertIs(Last(message, "method"), view.Method);
            AssertIs(Last(message, "result"), view.Result);
            AssertIs(Last(message, "error"), view.Error);
            AssertIs(Last(message, "sessionId"), view.SessionId);
            JsonElement? parameters = Last(message, "params");
            AssertIs(parameters, view.Params);
            AssertIs(IfText(Last(parameters, "sessionId")), view.Keys.SessionId);
            AssertIs(Last(parameters, "progressToken"), view.Keys.ProgressToken);
            AssertIs(Last(parameters, "requestId") ?? Last(parameters, "id"), view.Keys.RequestId);
            JsonElement? update = Last(parameters, "update");
            AssertIs(update, view.Keys.Update);
            AssertIs(IfText(Last(update, "sessionUpdate")), view.Keys.UpdateKind);
            AssertIs(IfText(Last(Last(update, "content"), "text")), view.Keys.Text);

            void AssertIs(JsonElement? expected, JsonSlice found) =>
                Assert.Equal(expected?.GetRawText() ?? "", Encoding.UTF8.GetString(found.Of(utf8)));
        },
        2000);

    private static Gen<string> Message { get; } = ObjectOf(
        ("params", ObjectOf(
            ("update", ObjectOf(("content", ObjectOf(("text", AnyJson.Json), ("type", AnyJson.Json))), ("sessionUpdate", AnyJson.Json))),
            ("sessionId", AnyJson.Json),
            ("progressToken", AnyJson.Json),
            ("requestId", AnyJson.Json),
            ("id", AnyJson.Json))),
        ("id", AnyJson.Json),
        ("method", AnyJson.Json),
        ("result", AnyJson.Json),
        ("error", AnyJson.Json),
        ("sessionId", AnyJson.Json));

    // An object with some of these members, the first most often, in any order, some twice, some under an escaped name, and
    // now and then something else.
    private static Gen<string> ObjectOf(params (string Name, Gen<string> Value)[] known)
    {
        Gen<string> space = Gen.Elements("", "", " ", "\r\n\t");
        Gen<string> member = Gen.Frequency((1, Gen.Constant(known[0])), (2, Gen.Elements(known)))
            .SelectMany(one => Gen.Frequency((4, one.Value), (1, AnyJson.Json)).Zip(Gen.Elements(one.Name, one.Name, one.Name, $"\\u{(int)one.Name[0]:x4}{one.Name[1..]}", one.Name + "s")))
            .Zip(space, (pair, blank) => $"\"{pair.Item2}\"{blank}:{blank}{pair.Item1}{blank}");
        return member.ListOf().Zip(space, (members, blank) => "{" + blank + string.Join("," + blank, members.Take(8)) + "}");
    }

    private static JsonElement? Last(JsonElement? of, string name)
    {
        JsonElement? found = null;
        if (of is { ValueKind: JsonValueKind.Object } members)
            foreach (JsonProperty member in members.EnumerateObject())
                if (AnyJson.NameOf(member) == name)
                    found = member.Value;
        return found;
    }

    private static JsonElement? IfText(JsonElement? value) => value is { ValueKind: JsonValueKind.String } ? value : null;
}
