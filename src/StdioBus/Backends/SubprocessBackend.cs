using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>A kernel in a child process: the daemon, over its standard streams.</summary>
internal sealed partial class SubprocessBackend : RemoteBackend
{
    // How long the daemon may take to end beyond its own limit, or when it was told to end at once.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private const int DefaultDrainSeconds = 30;
    private const int SignalInterrupt = 2;
    private const int SignalTerminate = 15;
    private readonly string _program;
    private readonly StderrTail _stderr;
    private readonly object _gate = new();
    private Process? _process;
    private ConfigHandover? _config;
    private Thread? _stderrThread;
    private int? _exitCode;
    private bool _isGone;

    public SubprocessBackend(BusConfig config, SubprocessOptions options, CallIds ids, BusLogLevel logLevel, Func<string> name)
        : base(config, ids, logLevel, name)
    {
        _program = DaemonProgram.Find(options.BinaryPath);
        _stderr = new StderrTail(options.StderrBufferLines);
    }

    public override BackendKind Kind => BackendKind.Subprocess;

    protected override string Where => $"The daemon '{_program}'";

    public override IReadOnlyList<string> GetStderrTail(int lines) => _stderr.Read(lines);

    protected override Task<DaemonLink> ConnectAsync()
    {
        var config = new ConfigHandover(ConfigWriter.WriteForDaemon(Config), ConfigHandover.HasPipe);
        var start = new ProcessStartInfo(_program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (string argument in new[] { "--config", config.Path, "--stdio", "--log-level", LogLevel })
            start.ArgumentList.Add(argument);
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            config.Dispose();
            throw new BusUnavailableException($"{Where} cannot be started: {error.Message}", error);
        }

        _config = config;
        Stream stderr = _process.StandardError.BaseStream;
        _stderrThread = new Thread(() => Collect(stderr)) { IsBackground = true, Name = $"StdioBus stderr: {Name()}" };
        _stderrThread.Start();
        Stream input = _process.StandardInput.BaseStream;
        return Task.FromResult(new DaemonLink(_process.StandardOutput.BaseStream, input, input.Dispose));
    }

    protected override void CheckWorkers(IReadOnlyList<BusWorker> workers) => DropConfig();

    protected override async Task<StdioBusException> ExplainAsync(StdioBusException error)
    {
        // A daemon that cannot start ends; one that stays has answered with an error.
        if (error is not BusTransportException)
            return error;
        await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
        string what = Ending();
        return _exitCode == 2
            ? new BusInvalidArgumentException($"{what}, as it refuses the configuration.{Last()}", error)
            : new BusUnavailableException($"{what} before it was ready.{Last()}", error);
    }

    protected override StdioBusException? Explain(Exception? error)
    {
        Process process = _process!;
        while (!process.WaitForExit((int)Grace.TotalMilliseconds))
            if (!IsEnding)
                SendKill();
        _exitCode = process.ExitCode;

        // A descendant of the daemon may hold its stderr for longer; what the daemon wrote is there by now.
        _stderrThread!.Join(TimeSpan.FromMilliseconds(250));
        DropConfig();
        lock (_gate)
        {
            _isGone = true;

            // What was read from here is not the process object's to close.
            process.StandardOutput.Dispose();
            process.Dispose();
        }

        return IsEnding ? null : new BusTransportException($"{Ending()}{(error is null ? "." : $": {error.Message}")}", error)
        {
            Details = string.Join('\n', _stderr.Read(20)) is { Length: > 0 } tail ? tail : null,
        };
    }

    protected override async Task EndAsync(TimeSpan? timeout)
    {
        FinishWriting();
        TimeSpan patience = timeout switch
        {
            null => TimeSpan.FromSeconds(Config.Limits?.DrainTimeoutSeconds is > 0 and var drain ? drain : DefaultDrainSeconds) + Grace,
            { } limit when limit < TimeSpan.Zero || limit > TimeSpan.FromDays(20) => Timeout.InfiniteTimeSpan,
            { } limit => limit,
        };
        try
        {
            await Ended.Task.WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await KillNowAsync().ConfigureAwait(false);
        }
    }

    protected override async Task KillNowAsync()
    {
        if (_process is null)
            return;
        FinishWriting();

        // Two signals let the daemon end its workers at once, with all they started. They differ, for one that waits
        // swallows another of its kind.
        if (!OperatingSystem.IsWindows())
        {
            SendSignal(SignalTerminate);
            SendSignal(SignalInterrupt);
            try
            {
                await Ended.Task.WaitAsync(Grace).ConfigureAwait(false);
                return;
            }
            catch (TimeoutException)
            {
                // It is stopped, or hangs. Its guard sees to the workers.
            }
        }

        SendKill();
        try
        {
            await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BusInternalException($"{Where} did not end within {Patience.TotalSeconds} s of being killed.", error);
        }
    }

    private void SendKill()
    {
        lock (_gate)
            if (!_isGone)
                _process!.Kill();
    }

    private void SendSignal(int signal)
    {
        // Under the lock its id is still its own, unless it has ended and was reaped this very moment.
        lock (_gate)
            if (!_isGone && !_process!.HasExited)
                _ = Signal(_process.Id, signal);
    }

    private void DropConfig() => Interlocked.Exchange(ref _config, null)?.Dispose();

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

    private string Ending() => string.Create(CultureInfo.InvariantCulture, $"{Where} ended with exit code {_exitCode}");

    private string Last() => string.Join('\n', _stderr.Read(5)) is { Length: > 0 } tail ? $" Its last lines: {tail}" : "";

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}
