using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using System.Text;

namespace StdioBus.Module.Tests.Engine;

/// <summary>A host that keeps what it is told to show, in a console of a given width, that knows colours or does not.</summary>
internal sealed class TestHost(int width = 120, bool colours = false) : PSHost
{
    private readonly TestUserInterface _ui = new(width, colours);

    /// <summary>Everything shown so far, with the ends of its lines as on Unix.</summary>
    public string Shown => _ui.Shown.Replace("\r\n", "\n", StringComparison.Ordinal);

    /// <summary>Called with each piece of text that is written without a line break.</summary>
    public Action<string>? OnWrite
    {
        get => _ui.OnWrite;
        set => _ui.OnWrite = value;
    }

    /// <summary>What the person at the host types when asked for a line; null: nobody is there.</summary>
    public Func<string>? OnReadLine
    {
        get => _ui.OnReadLine;
        set => _ui.OnReadLine = value;
    }

    /// <summary>Answers a question with choices by the number of one, given the question; null: nobody is there.</summary>
    public Func<string, int>? OnChoice
    {
        get => _ui.OnChoice;
        set => _ui.OnChoice = value;
    }

    /// <summary>The progress records the host was given.</summary>
    public IReadOnlyList<ProgressRecord> Progress => _ui.Progress;

    public override CultureInfo CurrentCulture => CultureInfo.InvariantCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.InvariantCulture;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override string Name => "StdioBus tests";

    public override PSHostUserInterface UI => _ui;

    public override Version Version { get; } = new(1, 0);

    public override void EnterNestedPrompt() => throw new NotSupportedException();

    public override void ExitNestedPrompt() => throw new NotSupportedException();

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    /// <summary>What it was told to exit with; null when it was not.</summary>
    public int? ExitCode { get; private set; }

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    private sealed class TestUserInterface(int width, bool colours) : PSHostUserInterface
    {
        private readonly StringBuilder _shown = new();
        private readonly List<ProgressRecord> _progress = [];

        public string Shown
        {
            get
            {
                lock (_shown)
                    return _shown.ToString();
            }
        }

        public IReadOnlyList<ProgressRecord> Progress
        {
            get
            {
                lock (_progress)
                    return [.. _progress];
            }
        }

        public Action<string>? OnWrite { get; set; }

        public override bool SupportsVirtualTerminal => colours;

        public Func<string>? OnReadLine { get; set; }

        public Func<string, int>? OnChoice { get; set; }

        public override PSHostRawUserInterface RawUI { get; } = new TestRawUserInterface(width);

        public override void Write(string value)
        {
            lock (_shown)
                _shown.Append(value);

            OnWrite?.Invoke(value);
        }

        public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

        public override void WriteLine(string value)
        {
            lock (_shown)
                _shown.Append(value).Append('\n');
        }

        public override void WriteErrorLine(string value) => WriteLine(value);

        public override void WriteDebugLine(string message) => WriteLine(message);

        public override void WriteVerboseLine(string message) => WriteLine("VERBOSE: " + message);

        public override void WriteWarningLine(string message) => WriteLine("WARNING: " + message);

        public override void WriteProgress(long sourceId, ProgressRecord record)
        {
            lock (_progress)
                _progress.Add(record);
        }

        public override string ReadLine() => OnReadLine?.Invoke() ?? throw new NotSupportedException();

        public override SecureString ReadLineAsSecureString() => throw new NotSupportedException();

        public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) =>
            throw new NotSupportedException();

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
            throw new NotSupportedException();

        public override PSCredential PromptForCredential(
            string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
            throw new NotSupportedException();

        public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) =>
            OnChoice?.Invoke(message) ?? throw new NotSupportedException();
    }

    private sealed class TestRawUserInterface(int width) : PSHostRawUserInterface
    {
        public override Size BufferSize { get; set; } = new(width, 50);

        public override Size WindowSize { get; set; } = new(width, 50);

        public override Size MaxPhysicalWindowSize => WindowSize;

        public override Size MaxWindowSize => WindowSize;

        public override Coordinates CursorPosition { get; set; }

        public override Coordinates WindowPosition { get; set; }

        public override int CursorSize { get; set; }

        public override ConsoleColor ForegroundColor { get; set; }

        public override ConsoleColor BackgroundColor { get; set; }

        public override string WindowTitle { get; set; } = "";

        public override bool KeyAvailable => false;

        public override void FlushInputBuffer()
        {
        }

        public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException();

        public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException();

        public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) =>
            throw new NotSupportedException();

        public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new NotSupportedException();

        public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new NotSupportedException();
    }
}
