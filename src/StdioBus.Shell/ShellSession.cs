using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace StdioBus.Shell;

/// <summary>One run: an engine with the module loaded, the command or script, its exit code.</summary>
internal sealed class ShellSession : IDisposable
{
    private readonly Interruption _interruption;
    private readonly ShellHost _host;
    private readonly Runspace _runspace;

    private ShellSession(Interruption interruption, ShellConsole console)
    {
        _interruption = interruption;
        _host = new ShellHost(console);
        var state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.Bypass;
        _runspace = RunspaceFactory.CreateRunspace(_host, state);
        _runspace.ThreadOptions = PSThreadOptions.ReuseThread;
        _runspace.Open();
    }

    /// <summary>Runs what the command line asks for and returns the exit code of the process.</summary>
    public static int Run(CommandLine commandLine)
    {
        using var interruption = new Interruption();
        Exception? outputFailure = null;
        using var console = new ShellConsole(commandLine.NonInteractive, failure =>
        {
            outputFailure = failure;
            interruption.Interrupt(IsClosedPipe(failure) ? ExitCode.OutputClosed : ExitCode.OutputFailed);
        });
        var exitCode = ExitCode.CannotStart;
        try
        {
            using var session = new ShellSession(interruption, console);
            if (session.ImportModule())
                exitCode = session.Execute(commandLine);
        }
        catch (FileNotFoundException e)
        {
            console.Error.WriteLine($"stdiobus-shell: {e.Message}");
        }

        if (outputFailure is not null && !IsClosedPipe(outputFailure))
            console.Error.WriteLine($"stdiobus-shell: the output could not be written: {outputFailure.Message}");
        return interruption.ExitCode ?? exitCode;
    }

    public void Dispose() => _runspace.Dispose();

    /// <summary>The reader went away, as head does: not worth a word. EPIPE, or ERROR_BROKEN_PIPE and ERROR_NO_DATA.</summary>
    private static bool IsClosedPipe(Exception failure) => (failure.HResult & 0xFFFF) is 32 or 109 or 232;

    private bool ImportModule()
    {
        using var powerShell = PowerShell.Create(_runspace);
        powerShell.AddCommand("Import-Module").AddParameter("Name", ModuleFolder.FindManifest()).AddParameter("ErrorAction", ActionPreference.Stop);
        return TryInvoke(powerShell);
    }

    private int Execute(CommandLine commandLine)
    {
        var isScript = commandLine.Action == ShellAction.RunScript;
        var text = commandLine.Action == ShellAction.RunStandardInput ? StandardInput.ReadScript() : commandLine.Text;
        var parsed = isScript ? Parser.ParseFile(text, out _, out var errors) : Parser.ParseInput(text, out _, out errors);
        if (!isScript && ShowParseErrors(errors))
            return ExitCode.Failed;

        var input = commandLine.Action != ShellAction.RunStandardInput && StandardInput.IsWantedBy(parsed) ? StandardInput.ReadLines() : null;
        using var powerShell = PowerShell.Create(_runspace);
        if (input is not null)
            powerShell.AddCommand(new CmdletInfo("Read-StandardInput", typeof(ReadStandardInputCommand))).AddParameter(nameof(ReadStandardInputCommand.Lines), input);
        if (isScript)
        {
            // Called from text, not as the pipeline's own command: only then its exit code can be told from $?.
            var call = ScriptInvocation.Text(text, commandLine.Arguments);
            powerShell.AddScript(input is null ? call : "$input | " + call, useLocalScope: false);
        }
        else
        {
            powerShell.AddScript(text, useLocalScope: false);
            foreach (var argument in commandLine.Arguments)
                powerShell.AddArgument(argument);
        }

        PipeToConsole(powerShell);
        if (!TryInvoke(powerShell))
            return ExitCode.Failed;
        if (_host.ExitCode is { } chosen)
            return chosen;
        if (LastCommandSucceeded())
            return ExitCode.Success;
        // A script's exit ends the script only; its code is where a caller looks for it.
        return isScript && _runspace.SessionStateProxy.GetVariable("LASTEXITCODE") is int code && code != 0 ? code : ExitCode.Failed;
    }

    /// <summary>True when there are any: the text cannot be run.</summary>
    private bool ShowParseErrors(ParseError[] errors)
    {
        foreach (var error in errors)
            _host.UI.WriteErrorLine(ParseErrorText.Describe(error));
        return errors.Length > 0;
    }

    /// <summary>
    /// Output and errors go to Out-Default one by one as they are made: the engine's own formatting writes them through
    /// the host, errors to its error channel.
    /// </summary>
    private static void PipeToConsole(PowerShell powerShell)
    {
        powerShell.Commands.Commands[^1].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        powerShell.AddCommand("Out-Default");
    }

    /// <summary>False when the pipeline ended by an error, which has then been shown, or was stopped.</summary>
    private bool TryInvoke(PowerShell powerShell)
    {
        // Only a pipeline that goes to the history leaves its $? behind.
        var settings = new PSInvocationSettings { AddToHistory = true };
        try
        {
            _interruption.Guard(powerShell, () => powerShell.Invoke(null, new PSDataCollection<PSObject>(), settings));
            return powerShell.InvocationStateInfo.State == PSInvocationState.Completed;
        }
        catch (PipelineStoppedException)
        {
            return false;
        }
        catch (RuntimeException e)
        {
            ShowError(e.ErrorRecord);
            return false;
        }
    }

    /// <summary>Shows an error that ended a pipeline as the engine shows any other.</summary>
    private void ShowError(ErrorRecord error)
    {
        using var powerShell = PowerShell.Create(_runspace);
        powerShell.AddCommand("Out-Default").AddParameter("InputObject", error);
        try
        {
            using (_host.DivertOutputToError())
                _interruption.Guard(powerShell, () => powerShell.Invoke());
        }
        catch (PipelineStoppedException)
        {
            // Interrupted while the error was written: the exit code tells.
        }
    }

    private bool LastCommandSucceeded() => _runspace.SessionStateProxy.GetVariable("?") is true;
}
