using System.Diagnostics;
using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>
/// A child process that is a daemon, or stands for one, over pipes. Its stderr is always read, and its last lines are
/// kept. May be used from any thread.
/// </summary>
internal sealed partial class DaemonProcess
{
    private readonly StderrTail _stderr;
    private readonly object _gate = new();
    private readonly Process _process;
    private readonly Thread _stderrThread;
    private bool _isGone;

    /// <summary>Starts one.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments, passed as they are.</param>
    /// <param name="stderr">Takes its stderr.</param>
    /// <param name="busName">The bus's name, for the thread.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public DaemonProcess(string program, IEnumerable<string> arguments, StderrTail stderr, string busName)
    {
        _stderr = stderr;
        _process = Process.Start(OverPipes(program, arguments))!;
        Stream errors = _process.StandardError.BaseStream;
        _stderrThread = new Thread(() => Collect(errors)) { IsBackground = true, Name = $"StdioBus stderr: {busName}" };
        _stderrThread.Start();
        Input = _process.StandardInput.BaseStream;
        Output = _process.StandardOutput.BaseStream;
    }

    /// <summary>Its standard input.</summary>
    public Stream Input { get; }

    /// <summary>Its standard output.</summary>
    public Stream Output { get; }

    /// <summary>What it ended with; null while it runs.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>How a program is started whose three streams are pipes.</summary>
    public static ProcessStartInfo OverPipes(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return start;
    }

    /// <summary>Waits for its end; false when it does not come in time. After it only <see cref="ExitCode"/> is left.</summary>
    public bool WaitForExit(TimeSpan patience)
    {
        lock (_gate)
            if (_isGone)
                return true;
        if (!_process.WaitForExit((int)patience.TotalMilliseconds))
            return false;

        // A descendant may hold its stderr for longer; what it wrote itself is there by now.
        _stderrThread.Join(TimeSpan.FromMilliseconds(250));
        lock (_gate)
        {
            if (_isGone)
                return true;
            _isGone = true;
            ExitCode = _process.ExitCode;

            // What was read from here is not the process object's to close.
            Output.Dispose();
            _process.Dispose();
        }

        return true;
    }

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        lock (_gate)
            if (!_isGone)
                _process.Kill();
    }

    /// <summary>Sends it a signal; not on Windows.</summary>
    public void SendSignal(int signal)
    {
        // Under the lock its id is still its own, unless it has ended and was reaped this very moment.
        lock (_gate)
            if (!_isGone && !_process.HasExited)
                _ = Signal(_process.Id, signal);
    }

    private void Collect(Stream stderr)
    {
        byte[] buffer = new byte[4096];
        try
        {
            for (int count = stderr.Read(buffer); count > 0; count = stderr.Read(buffer))
                _stderr.Append(buffer.AsSpan(0, count));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            _stderr.Append(System.Text.Encoding.UTF8.GetBytes($"(stderr cannot be read any more: {error.Message})"));
        }

        _stderr.End();
        stderr.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}
