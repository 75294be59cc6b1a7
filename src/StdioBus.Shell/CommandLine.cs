namespace StdioBus.Shell;

internal enum ShellAction
{
    RunCommand,
    RunScript,
    ShowHelp,
    ShowVersion,
    Refuse,
}

/// <summary>What the command line asks for: <c>[-c COMMAND | FILE] [ARG…]</c>, or help, or the version.</summary>
internal sealed record CommandLine(ShellAction Action, string Text, IReadOnlyList<string> Arguments, string? Problem = null)
{
    /// <summary>Options end at the command or the file: all that follows belongs to the script.</summary>
    public static CommandLine Parse(string[] args)
    {
        if (args.Length == 0)
            return Refuse("a script file, or -c and a command, is needed");
        switch (args[0])
        {
            case "-h" or "--help" or "-?":
                return new CommandLine(ShellAction.ShowHelp, "", []);
            case "-v" or "--version":
                return new CommandLine(ShellAction.ShowVersion, "", []);
            case "-c" or "--command":
                return args.Length > 1
                    ? new CommandLine(ShellAction.RunCommand, args[1], args[2..])
                    : Refuse($"{args[0]} needs a command after it");
            case "--":
                return args.Length > 1 ? Script(args[1], args[2..]) : Refuse("a script file is needed after --");
            default:
                return args[0].StartsWith('-')
                    ? Refuse($"the option '{args[0]}' is not known (a file of that name: -- '{args[0]}')")
                    : Script(args[0], args[1..]);
        }
    }

    private static CommandLine Script(string file, string[] arguments)
    {
        var path = Path.GetFullPath(file);
        if (Directory.Exists(path))
            return Refuse($"the script file '{file}' is a folder");
        if (!File.Exists(path))
            return Refuse($"the script file '{file}' was not found (looked at {path})");
        if (!path.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase))
            return Refuse($"the script file '{file}' must end in .ps1");
        return new CommandLine(ShellAction.RunScript, path, arguments);
    }

    private static CommandLine Refuse(string problem) => new(ShellAction.Refuse, "", [], problem);
}
