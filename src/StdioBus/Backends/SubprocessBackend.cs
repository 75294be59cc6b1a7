using System.ComponentModel;
using System.Globalization;

namespace StdioBus;

/// <summary>A kernel in a child process: the daemon, over its standard streams.</summary>
internal sealed class SubprocessBackend : RemoteBackend
{
    // How long the daemon may take to end beyond its own limit, or when it was told to end at once.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private const int SignalInterrupt = 2;
    private const int SignalTerminate = 15;
    private readonly string _program;
    private readonly StderrTail _stderr;
    private DaemonProcess? _process;
    private ConfigHandover? _config;

    public SubprocessBackend(BusConfig config, SubprocessOptions options, CallIds ids, BusLogLevel logLevel, Func<string> name)
        : base(config, ids, logLevel, name)
    {
        _program = DaemonProgram.Find(options.BinaryPath);
        _stderr = new StderrTail(options.StderrBufferLines);
    }

    public override BackendKind Kind => BackendKind.Subprocess;

    protected override string Where => $"The daemon '{_program}'";

    public override IReadOnlyList<string> GetStderrTail(int lines) => _stderr.Read(lines);

    protected override Task<DaemonLink> ConnectAsync(CancellationToken cancellationToken)
    {
        var config = new ConfigHandover(ConfigWriter.WriteForDaemon(Config), ConfigHandover.HasPipe);
        try
        {
            // In a group of its own: what a terminal sends to the processes of its foreground is for the host to act on.
            _process = new DaemonProcess(_program, ["--config", config.Path, "--stdio", "--log-level", LogLevel, "--own-group"], _stderr, Name());
        }
        catch (Win32Exception error)
        {
            config.Dispose();
            throw new BusUnavailableException($"{Where} cannot be started: {error.Message}", error);
        }

        _config = config;
        return Task.FromResult(new DaemonLink(_process.Output, _process.Input, _process.Input.Dispose));
    }

    protected override void CheckWorkers(IReadOnlyList<BusWorker> workers) => DropConfig();

    protected override async Task<StdioBusException> ExplainAsync(StdioBusException error)
    {
        // A daemon that cannot start ends; one that stays has answered with an error.
        if (error is not BusTransportException)
            return error;
        await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
        string what = Ending();
        return _process!.ExitCode == 2
            ? new BusInvalidArgumentException($"{what}, as it refuses the configuration.{Last()}", error)
            : new BusUnavailableException($"{what} before it was ready.{Last()}", error);
    }

    protected override StdioBusException? Explain(Exception? error)
    {
        while (!_process!.WaitForExit(Grace))
            if (!IsEnding)
                _process.Kill();
        DropConfig();
        return IsEnding ? null : new BusTransportException($"{Ending()}{(error is null ? "." : $": {error.Message}")}", error)
        {
            Details = string.Join('\n', _stderr.Read(20)) is { Length: > 0 } tail ? tail : null,
        };
    }

    protected override async Task EndAsync(TimeSpan? timeout)
    {
        FinishWriting();
        if (!await HasEndedAsync(timeout, Grace).ConfigureAwait(false))
            await KillNowAsync().ConfigureAwait(false);
    }

    protected override async Task KillNowAsync()
    {
        if (_process is not { } process)
            return;
        FinishWriting();

        // Two signals let the daemon end its workers at once, with all they started. They differ, for one that waits
        // swallows another of its kind.
        if (!OperatingSystem.IsWindows())
        {
            process.SendSignal(SignalTerminate);
            process.SendSignal(SignalInterrupt);
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

        process.Kill();
        try
        {
            await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BusInternalException($"{Where} did not end within {Patience.TotalSeconds} s of being killed.", error);
        }
    }

    private void DropConfig() => Interlocked.Exchange(ref _config, null)?.Dispose();

    private string Ending() => string.Create(CultureInfo.InvariantCulture, $"{Where} ended with exit code {_process!.ExitCode}");

    private string Last() => string.Join('\n', _stderr.Read(5)) is { Length: > 0 } tail ? $" Its last lines: {tail}" : "";
}
