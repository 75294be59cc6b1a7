using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace StdioBus.Shell;

/// <summary>
/// Output on stdout; errors, warnings, verbose and debug lines and progress on stderr, so that output can be piped on
/// and a person still hears of the rest.
/// </summary>
internal sealed class ShellUserInterface(ShellConsole console) : PSHostUserInterface
{
    private readonly ShellConsole _console = console;
    private readonly ShellPrompt _prompt = new(console);
    private ShellConsole.Channel _output = console.Output;

    public override PSHostRawUserInterface RawUI { get; } = new ShellRawUserInterface(console);

    public override bool SupportsVirtualTerminal => _console.Output.IsColoured || _console.Error.IsColoured;

    /// <summary>Until the result is disposed, output goes to the error channel: the engine formats an error that ended a run as output.</summary>
    public IDisposable DivertOutputToError()
    {
        _output = _console.Error;
        return new Diversion(this);
    }

    public override void Write(string value) => _output.Write(value);

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        _output.Write(Coloured(foregroundColor, backgroundColor, value));

    public override void WriteLine(string value) => _output.WriteLine(value);

    public override void WriteLine(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        _output.WriteLine(Coloured(foregroundColor, backgroundColor, value));

    public override void WriteErrorLine(string value) => WriteNote(PSStyle.Instance.Formatting.Error, value);

    public override void WriteWarningLine(string message) => WriteNote(PSStyle.Instance.Formatting.Warning, $"WARNING: {message}");

    public override void WriteVerboseLine(string message) => WriteNote(PSStyle.Instance.Formatting.Verbose, $"VERBOSE: {message}");

    public override void WriteDebugLine(string message) => WriteNote(PSStyle.Instance.Formatting.Debug, $"DEBUG: {message}");

    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        if (record.RecordType == ProgressRecordType.Completed)
        {
            _console.ShowProgress(null);
            return;
        }

        var percent = record.PercentComplete >= 0 ? $" {record.PercentComplete.ToString(CultureInfo.InvariantCulture)} %" : "";
        _console.ShowProgress($"{record.Activity}:{percent} {record.StatusDescription} {record.CurrentOperation}".TrimEnd());
    }

    public override string ReadLine() => _prompt.ReadLine();

    public override SecureString ReadLineAsSecureString() => _prompt.ReadSecret();

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) =>
        _prompt.AskFields(caption, message, descriptions);

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) =>
        _prompt.AskChoice(caption, message, choices, defaultChoice);

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        _prompt.AskCredential(caption, message, userName);

    public override PSCredential PromptForCredential(
        string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
        _prompt.AskCredential(caption, message, userName);

    private static string Coloured(ConsoleColor foreground, ConsoleColor background, string value) =>
        PSStyle.MapForegroundColorToEscapeSequence(foreground) + PSStyle.MapBackgroundColorToEscapeSequence(background) + value + PSStyle.Instance.Reset;

    private void WriteNote(string colour, string text) => _console.Error.WriteLine(colour + text + PSStyle.Instance.Reset);

    private sealed class Diversion(ShellUserInterface userInterface) : IDisposable
    {
        public void Dispose() => userInterface._output = userInterface._console.Output;
    }
}
