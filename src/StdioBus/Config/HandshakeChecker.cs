using System.Text.Json;

namespace StdioBus;

/// <summary>Finds what is wrong with the messages of a handshake.</summary>
internal static class HandshakeChecker
{
    private static readonly string[] Members = ["jsonrpc", "id", "method", "params"];

    private static readonly Dictionary<string, bool> Versions = new(StringComparer.Ordinal) { ["2.0"] = true };

    public static void Check(IList<RawJson>? handshake, string path, List<ConfigProblem> problems)
    {
        for (int i = 0; i < (handshake?.Count ?? 0); i++)
            Check(handshake![i], $"{path}[{i}]", problems);
    }

    private static void Check(RawJson message, string path, List<ConfigProblem> problems)
    {
        JsonElement element;
        try
        {
            element = message.ToElement();
        }
        catch (JsonException error)
        {
            problems.Add(new ConfigProblem(path, $"expected a JSON-RPC message: {error.Message}", IsWarning: false));
            return;
        }

        var node = new ConfigNode(element, path, problems);
        if (!node.IsObject())
            return;
        foreach ((string name, ConfigNode member) in node.Members(Members))
        {
            switch (name)
            {
                case "jsonrpc":
                    member.Word(Versions);
                    break;
                case "id":
                    member.RequestId();
                    break;
                case "method":
                    CheckMethod(member);
                    break;
                default:
                    member.ObjectOrArray();
                    break;
            }
        }

        if (!node.Has("method"))
            problems.Add(new ConfigProblem($"{path}.method", "required: expected a text that is not empty", IsWarning: false));
    }

    private static void CheckMethod(ConfigNode node)
    {
        if (node.Text() is not { } method)
            return;
        if (method.Length == 0 || method.Contains('\0'))
            node.Problem("expected a text that is not empty and has no NUL character");
        else if (method.StartsWith("stdio_bus/", StringComparison.Ordinal) && method != HelloMessages.Method)
            node.Problem("methods that begin with stdio_bus/ are for the bus itself");
    }
}
