using StdioBus.Shell;

var commandLine = CommandLine.Parse(args);
return commandLine.Action switch
{
    ShellAction.ShowHelp => HelpText.Show(),
    ShellAction.ShowVersion => HelpText.ShowVersion(),
    ShellAction.Refuse => HelpText.Refuse(commandLine.Problem!),
    _ => ShellSession.Run(commandLine),
};
