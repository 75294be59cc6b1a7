using System.Management.Automation;
using System.Reflection;

namespace StdioBus.Shell;

/// <summary>What the shell says about itself.</summary>
internal static class HelpText
{
    private const string Usage = "usage: stdiobus-shell [OPTION…] [-c COMMAND | FILE | -] [ARG…]";

    private const string Body = """
        Runs a PowerShell script, or one command, with the StdioBus module loaded, on a machine without pwsh.

          [-File] FILE        a script (.ps1); $PSScriptRoot and relative paths work as usual
          -c, -Command TEXT   a command instead of a file
          -                   the script is read from stdin, also as -File - and -Command -
          ARG…                the script's arguments: $args, or its parameters (-Name value, -Switch)
          -NonInteractive     a question is an error, even on a terminal
          -NoProfile, -NoLogo taken as pwsh takes them; there is no profile and no banner
          -h, -Help           this text
          -v, -Version        the versions of the shell and of the PowerShell engine

        Options are taken in any case, and with two dashes as well. The lines of a redirected stdin are the pipeline input
        of a script that uses $input, has a process block or a parameter for pipeline input (all of them, once stdin has
        ended); any other script may read stdin itself.

        Output goes to stdout as it is made; errors, warnings, verbose lines and progress go to stderr. Colours are
        used on a terminal only, and not when NO_COLOR is set. Without a terminal the width is COLUMNS, else 120.
        The module is the folder in STDIOBUS_MODULE_PATH, else StdioBus beside the shell, else out/StdioBus in a
        folder above it.

        The engine brings the language and its core commands (ForEach-Object, Where-Object, Get-Command, Import-Module,
        Out-Default …). Commands of Microsoft.PowerShell.Utility and Management (Select-Object, Write-Host,
        Get-ChildItem …) come with a full PowerShell.

        exit code  what the script gave to exit, else 0
                   1    an error that was not caught, a parse error, or a command (-c) whose last part failed
                   64   a wrong command line, a script that is not there
                   70   the engine or the module could not be started
                   74   the output could not be written
                   130  Ctrl+C (143: SIGTERM, 129: SIGHUP); a second one ends the shell at once
                   141  nobody reads the output any more
        """;

    public static int Show()
    {
        Console.Out.WriteLine(Usage);
        Console.Out.WriteLine();
        Console.Out.WriteLine(Body);
        return ExitCode.Success;
    }

    public static int ShowVersion()
    {
        Console.Out.WriteLine($"stdiobus-shell {ShellVersion.ToString(3)} (PowerShell engine {EngineVersion})");
        return ExitCode.Success;
    }

    public static int Refuse(string problem)
    {
        Console.Error.WriteLine($"stdiobus-shell: {problem}");
        Console.Error.WriteLine(Usage);
        Console.Error.WriteLine("More with --help.");
        return ExitCode.BadCommandLine;
    }

    public static Version ShellVersion { get; } = typeof(HelpText).Assembly.GetName().Version!;

    private static string EngineVersion =>
        typeof(PowerShell).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', ' ')[0];
}
