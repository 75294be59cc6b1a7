using System.Text;
using StdioBus.Shell;

// UTF-8 everywhere: a console of Windows has a code page of its own, which goes for its redirected streams too.
if (OperatingSystem.IsWindows())
{
    Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
    if (Console.IsInputRedirected)
        Console.InputEncoding = Console.OutputEncoding;
}

var commandLine = CommandLine.Parse(args);
return commandLine.Action switch
{
    ShellAction.ShowHelp => HelpText.Show(),
    ShellAction.ShowVersion => HelpText.ShowVersion(),
    ShellAction.Refuse => HelpText.Refuse(commandLine.Problem!),
    _ => ShellSession.Run(commandLine),
};
