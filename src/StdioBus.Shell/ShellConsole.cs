using System.Globalization;
using System.Management.Automation.Internal;
using System.Management.Automation;
using System.Text;

namespace StdioBus.Shell;

/// <summary>
/// The two channels of the process. Every write goes out at once; a progress line, shown on a terminal only, is taken
/// away before anything else is written.
/// </summary>
internal sealed class ShellConsole : IDisposable
{
    private const int DefaultWidth = 120;
    private const int DefaultHeight = 50;
    private readonly Lock _lock = new();
    private bool _progressShown;

    /// <param name="nonInteractive">True when nobody is to be asked anything, even on a terminal.</param>
    /// <param name="outputFailed">Called once, when stdout cannot be written any more; what comes after that is dropped.</param>
    public ShellConsole(bool nonInteractive, Action<Exception> outputFailed)
    {
        IsInteractive = !nonInteractive && !Console.IsInputRedirected && !Console.IsOutputRedirected;
        var wantsColour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        Output = new Channel(this, OpenOutput(1), !Console.IsOutputRedirected && wantsColour, outputFailed);
        // Without stderr a run goes on: what it does does not depend on being heard.
        Error = new Channel(this, OpenOutput(2), !Console.IsErrorRedirected && wantsColour, failed: null);
    }

    public Channel Output { get; }

    public Channel Error { get; }

    /// <summary>True when a person is there to answer: input and output are a terminal.</summary>
    public bool IsInteractive { get; }

    /// <summary>Columns: the terminal's, else COLUMNS, else 120.</summary>
    public int Width { get; } = !Console.IsOutputRedirected && Console.BufferWidth > 0 ? Console.BufferWidth
        : int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), NumberStyles.None, CultureInfo.InvariantCulture, out var columns) && columns > 0 ? columns
        : DefaultWidth;

    /// <summary>Rows: the terminal's, else 50.</summary>
    public int Height { get; } = !Console.IsOutputRedirected && Console.WindowHeight > 0 ? Console.WindowHeight : DefaultHeight;

    /// <summary>Shows one line of progress on a terminal, in place of the last; null takes it away.</summary>
    public void ShowProgress(string? text)
    {
        if (!Error.IsColoured)
            return;
        lock (_lock)
        {
            TakeProgressAway();
            if (text is null)
                return;
            Error.WriteNow(text.Length < Width ? text : text[..(Width - 1)]);
            _progressShown = true;
        }
    }

    public void Dispose()
    {
        ShowProgress(null);
        Output.Dispose();
        Error.Dispose();
    }

    private void TakeProgressAway()
    {
        if (!_progressShown)
            return;
        _progressShown = false;
        Error.WriteNow("\r\e[K");
    }

    private static Stream OpenOutput(int descriptor) =>
        OutputPipe.Open(descriptor) ?? (descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError());

    /// <summary>stdout or stderr.</summary>
    internal sealed class Channel(ShellConsole console, Stream stream, bool isColoured, Action<Exception>? failed) : IDisposable
    {
        private readonly StreamWriter _writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        private bool _closed;

        /// <summary>Whether escape sequences are passed on; they are taken out of the text otherwise.</summary>
        public bool IsColoured { get; } = isColoured;

        public void Write(string? text)
        {
            lock (console._lock)
            {
                console.TakeProgressAway();
                WriteNow(text);
            }
        }

        public void WriteLine(string? text) => Write(text + Environment.NewLine);

        /// <summary>Writes as it is; the caller holds the lock.</summary>
        internal void WriteNow(string? text)
        {
            if (_closed || string.IsNullOrEmpty(text))
                return;
            try
            {
                _writer.Write(IsColoured ? text : Plain(text));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _closed = true;
                failed?.Invoke(e);
            }
        }

        public void Dispose()
        {
            if (!_closed)
                _writer.Dispose();
        }

        private static string Plain(string text) =>
            text.Contains('\e', StringComparison.Ordinal) ? new StringDecorated(text).ToString(OutputRendering.PlainText) : text;
    }
}
