using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace StdioBus.Shell;

/// <summary>Asks a person at the terminal. Without one every question is refused: a script must never hang on it.</summary>
internal sealed class ShellPrompt(ShellConsole console)
{
    public string ReadLine()
    {
        RequirePerson("a line of input");
        return Console.ReadLine() ?? throw InputEnded();
    }

    /// <summary>Reads a line without showing it.</summary>
    public SecureString ReadSecret()
    {
        RequirePerson("a secret");
        var secret = new SecureString();
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace && secret.Length > 0)
                secret.RemoveAt(secret.Length - 1);
            else if (!char.IsControl(key.KeyChar))
                secret.AppendChar(key.KeyChar);
        }

        console.Output.WriteLine("");
        secret.MakeReadOnly();
        return secret;
    }

    /// <summary>Asks for missing mandatory parameters, one by one.</summary>
    public Dictionary<string, PSObject> AskFields(string caption, string message, Collection<FieldDescription> fields)
    {
        RequirePerson($"the value of {string.Join(", ", fields.Select(field => field.Name))}");
        Introduce(caption, message);
        var answers = new Dictionary<string, PSObject>();
        foreach (var field in fields)
        {
            console.Output.Write($"{field.Name}: ");
            object answer = field.ParameterTypeFullName == typeof(SecureString).FullName ? ReadSecret() : ReadLine();
            answers[field.Name] = PSObject.AsPSObject(answer);
        }

        return answers;
    }

    /// <summary>Asks for one of several choices: a hot key, a whole label, or nothing for the default.</summary>
    public int AskChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        RequirePerson($"an answer to '{message}'");
        Introduce(caption, message);
        while (true)
        {
            for (var i = 0; i < choices.Count; i++)
                console.Output.Write($"[{HotKey(choices[i])}] {Label(choices[i])}  ");
            console.Output.Write(defaultChoice >= 0 ? $"(default is \"{HotKey(choices[defaultChoice])}\"): " : ": ");
            var answer = ReadLine().Trim();
            if (answer.Length == 0 && defaultChoice >= 0)
                return defaultChoice;
            for (var i = 0; i < choices.Count; i++)
            {
                if (answer.Equals(HotKey(choices[i]), StringComparison.OrdinalIgnoreCase) || answer.Equals(Label(choices[i]), StringComparison.OrdinalIgnoreCase))
                    return i;
            }
        }
    }

    public PSCredential AskCredential(string caption, string message, string userName)
    {
        RequirePerson("a credential");
        Introduce(caption, message);
        if (string.IsNullOrEmpty(userName))
        {
            console.Output.Write("User: ");
            userName = ReadLine();
        }

        console.Output.Write($"Password for user {userName}: ");
        return new PSCredential(userName, ReadSecret());
    }

    private static string Label(ChoiceDescription choice) => choice.Label.Replace("&", "", StringComparison.Ordinal);

    private static string HotKey(ChoiceDescription choice)
    {
        var mark = choice.Label.IndexOf('&', StringComparison.Ordinal);
        return mark >= 0 && mark + 1 < choice.Label.Length ? choice.Label[(mark + 1)..(mark + 2)].ToUpperInvariant() : choice.Label;
    }

    private static HostException InputEnded() =>
        new("The input ended before the question was answered.", null, "ShellInputEnded", ErrorCategory.ReadError);

    private void Introduce(string caption, string message)
    {
        if (!string.IsNullOrEmpty(caption))
            console.Output.WriteLine(caption);
        if (!string.IsNullOrEmpty(message))
            console.Output.WriteLine(message);
    }

    private void RequirePerson(string what)
    {
        if (!console.IsInteractive)
        {
            throw new HostException(
                $"The script asks for {what}, but there is no terminal to ask on. Give it as a parameter (or -Confirm:$false for a confirmation).",
                null, "ShellNotInteractive", ErrorCategory.ResourceUnavailable);
        }
    }
}
