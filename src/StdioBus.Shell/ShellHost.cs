using System.Globalization;
using System.Management.Automation.Host;

namespace StdioBus.Shell;

/// <summary>The shell as the engine sees it: its console, its culture, and the exit code a script asks for.</summary>
internal sealed class ShellHost(ShellConsole console) : PSHost
{
    private readonly ShellUserInterface _userInterface = new(console);

    /// <summary>What the script gave to <c>exit</c>; null when it came to its end without.</summary>
    public int? ExitCode { get; private set; }

    public override string Name => "StdioBus.Shell";

    public override Version Version => HelpText.ShellVersion;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override PSHostUserInterface UI => _userInterface;

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    /// <summary>Until the result is disposed, what is formatted for output goes to the error channel.</summary>
    public IDisposable DivertOutputToError() => _userInterface.DivertOutputToError();

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw NoPrompt();

    public override void ExitNestedPrompt() => throw NoPrompt();

    public override void NotifyBeginApplication() => console.ShowProgress(null);

    public override void NotifyEndApplication()
    {
        // A native program wrote to the same channels; there is no state of ours to restore.
    }

    private static HostException NoPrompt() => new("The shell runs scripts only: it has no nested prompt.");
}
