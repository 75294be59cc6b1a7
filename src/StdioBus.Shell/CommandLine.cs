namespace StdioBus.Shell;

internal enum ShellAction
{
    RunCommand,
    RunScript,
    RunStandardInput,
    ShowHelp,
    ShowVersion,
    Refuse,
}

/// <summary>
/// What the command line asks for: <c>[OPTION…] [-Command COMMAND | [-File] FILE | -] [ARG…]</c>, or help, or the version.
/// Options are named as pwsh names them, in any case, with one dash or two.
/// </summary>
internal sealed record CommandLine(ShellAction Action, string Text, IReadOnlyList<string> Arguments, bool NonInteractive = false, string? Problem = null)
{
    private const string StandardInput = "-";

    /// <summary>Options end at the command or the file: all that follows belongs to the script.</summary>
    public static CommandLine Parse(string[] args)
    {
        var nonInteractive = false;
        for (var i = 0; i < args.Length; i++)
        {
            var rest = args[(i + 1)..];
            switch (OptionName(args[i]))
            {
                // There are no profiles and no banner here; the options are taken because callers of pwsh give them.
                case "noprofile" or "nop" or "nologo" or "nol":
                    continue;
                case "noninteractive" or "noni":
                    nonInteractive = true;
                    continue;
                case "help" or "h" or "?":
                    return new CommandLine(ShellAction.ShowHelp, "", []);
                case "version" or "v":
                    return new CommandLine(ShellAction.ShowVersion, "", []);
                case "command" or "c" or "commandwithargs" or "cwa":
                    return (rest is [var command, ..] ? Command(command, rest[1..]) : Refuse($"{args[i]} needs a command after it")) with { NonInteractive = nonInteractive };
                case "file" or "f" or "":
                    return (rest is [var file, ..] ? Script(file, rest[1..]) : Refuse($"a script file is needed after {args[i]}")) with { NonInteractive = nonInteractive };
                case null:
                    return Script(args[i], rest) with { NonInteractive = nonInteractive };
                default:
                    return Refuse($"the option '{args[i]}' is not known (a file of that name: -- '{args[i]}')");
            }
        }

        return Refuse("a script file, or -c and a command, is needed");
    }

    /// <summary>The name in small letters; empty for --, null for what is no option, as a lone dash.</summary>
    private static string? OptionName(string argument) =>
        argument == StandardInput || !argument.StartsWith('-') ? null
        : argument[(argument.StartsWith("--", StringComparison.Ordinal) ? 2 : 1)..].ToLowerInvariant();

    private static CommandLine Command(string text, string[] arguments) =>
        text == StandardInput ? new(ShellAction.RunStandardInput, "", arguments) : new(ShellAction.RunCommand, text, arguments);

    private static CommandLine Script(string file, string[] arguments)
    {
        if (file == StandardInput)
            return new CommandLine(ShellAction.RunStandardInput, "", arguments);
        var path = Path.GetFullPath(file);
        if (Directory.Exists(path))
            return Refuse($"the script file '{file}' is a folder");
        if (!File.Exists(path))
            return Refuse($"the script file '{file}' was not found (looked at {path})");
        if (!path.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase))
            return Refuse($"the script file '{file}' must end in .ps1");
        return new CommandLine(ShellAction.RunScript, path, arguments);
    }

    private static CommandLine Refuse(string problem) => new(ShellAction.Refuse, "", [], Problem: problem);
}
