using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>docs/examples/chat.ps1, with a person who types.</summary>
[Trait("Covers", "A24")]
public sealed class ChatTests
{
    private static readonly string Examples = Path.Combine(ProductFolder.Root, "docs", "examples");

    [Fact(DisplayName = "An agent's answers appear as it writes them, and its questions are put to the person")]
    public void A_chat()
    {
        var typed = new Queue<string>(["hello there", "write a poem", "write another", ""]);
        var choices = new Queue<int>([0, 1]);
        var questions = new List<string>();
        var host = new TestHost { OnReadLine = () => typed.Dequeue(), OnChoice = question => Answer(question) };
        using var runspace = new TestRunspace(host);

        string[] output = [.. runspace.Run("& $script", ("script", Path.Combine(Examples, "chat.ps1"))).Select(item => item.ToString())];

        Assert.Matches("^The agent speaks version 1 of ACP; the session is [0-9a-f]{32}\\.$", Assert.Single(output));
        Assert.Equal(["write a poem", "write another"], questions);
        string[] shown = host.Shown.Split('>');
        Assert.Contains("You gave me 2 words. The longest is \"hello\".", shown[1], StringComparison.Ordinal);
        Assert.Contains("I would write it now.", shown[2], StringComparison.Ordinal);
        Assert.Contains("I leave it.", shown[3], StringComparison.Ordinal);
        Assert.Empty(BusRegistry.Open);

        int Answer(string question)
        {
            questions.Add(question);
            return choices.Dequeue();
        }
    }
}
