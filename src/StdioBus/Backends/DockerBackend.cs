using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace StdioBus;

/// <summary>
/// A kernel in a container: the daemon, over a port of this machine that the engine chose. The container is the bus's own
/// and goes with it.
/// </summary>
internal sealed class DockerBackend : RemoteBackend
{
    // How long the daemon may take to end beyond its own limit.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private const int LogLinesKept = 200;
    private const int WrongConfiguration = 2;
    private readonly DockerOptions _options;
    private readonly ContainerEngine _engine;
    private readonly StderrTail _stderr = new(LogLinesKept);
    private Task? _connecting;
    private BusContainer? _container;
    private Socket? _socket;

    public DockerBackend(BusConfig config, DockerOptions options, CallIds ids, BusLogLevel logLevel, Func<string> name)
        : base(config, ids, logLevel, name)
    {
        _options = options;
        _engine = ContainerEngine.Find(options.EnginePath);
    }

    public override BackendKind Kind => BackendKind.Docker;

    public override string Transport => "tcp";

    protected override string Where => _container is { } container ? $"The daemon in the container '{container.Name}'" : $"The daemon in a container of '{_options.Image}'";

    public override IReadOnlyList<string> GetStderrTail(int lines) => _stderr.Read(lines);

    protected override Task<DaemonLink> ConnectAsync(CancellationToken cancellationToken)
    {
        Task<DaemonLink> connecting = MakeContainerAsync(cancellationToken);
        _connecting = connecting;
        return connecting;
    }

    protected override Task AuthenticateAsync(DaemonConnection connection) => DaemonSocket.AuthenticateAsync(connection, _container!.AccessToken);

    protected override async Task<StdioBusException> ExplainAsync(StdioBusException error)
    {
        // A daemon that cannot start ends; one that stays has answered with an error.
        if (error is not BusTransportException)
            return error;
        await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
        return EndedTooSoon(error);
    }

    protected override StdioBusException? Explain(Exception? error)
    {
        _socket!.Dispose();
        BusContainer container = _container!;
        bool hasEnded = container.WaitForEnd(Grace);

        // Nothing of the container is left when anybody hears of its end.
        RemoveAsync(container).GetAwaiter().GetResult();
        if (IsEnding)
            return null;
        string what = hasEnded ? Ending() : $"{Where} does not answer any more: the connection was lost";
        return new BusTransportException($"{what}{(error is null ? "." : $": {error.Message}")}", error)
        {
            Details = string.Join('\n', _stderr.Read(20)) is { Length: > 0 } tail ? tail : null,
        };
    }

    protected override async Task EndAsync(TimeSpan? timeout)
    {
        if (_connecting is { IsCompletedSuccessfully: true })
        {
            // What was sent has been read by now: the daemon has answered a question that came behind it.
            FinishWriting();
            _container!.EndInput();
            if (await HasEndedAsync(timeout, Grace).ConfigureAwait(false))
                return;
        }

        await KillNowAsync().ConfigureAwait(false);
    }

    protected override async Task KillNowAsync()
    {
        if (_connecting is not { } connecting)
            return;
        try
        {
            await connecting.ConfigureAwait(false);
        }
        catch (StdioBusException)
        {
            // Then nothing is left, and the start has told why.
            return;
        }

        FinishWriting();
        await RemoveAsync(_container!).ConfigureAwait(false);
        _socket!.Dispose();
        await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
    }

    private async Task<DaemonLink> MakeContainerAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await ContainerImage.EnsureAsync(_engine, _options.Image!, _options.PullPolicy, cancellationToken).ConfigureAwait(false);

            // What the engine has begun to make it goes on making: that is waited for, to be removed again.
            limit.CancelAfter(_options.StartupTimeout);
            _container = await BusContainer.StartAsync(_engine, _options, ConfigWriter.Write(Config), LogLevel, _stderr, Name(), limit.Token).ConfigureAwait(false);
            if (!await _container.WaitUntilReadyAsync(either.Token).ConfigureAwait(false))
            {
                _ = _container.WaitForEnd(Grace);
                throw EndedTooSoon(null);
            }

            IPEndPoint address = await _container.FindPortAsync(either.Token).ConfigureAwait(false);
            _socket = await DaemonSocket.ConnectAsync(address.Address.ToString(), address.Port, Where, Patience, cancellationToken).ConfigureAwait(false);
            return DaemonSocket.Link(_socket);
        }
        catch (Exception error)
        {
            if (_container is { } container)
                await RemoveAsync(container).ConfigureAwait(false);
            if (error is not OperationCanceledException)
                throw;
            throw cancellationToken.IsCancellationRequested
                ? new BusInvalidStateException($"The bus '{Name()}' was stopped while it was being started.")
                : new BusTimeoutException($"{Where} did not serve within {nameof(DockerOptions.StartupTimeout)}, {_options.StartupTimeout.TotalSeconds} s.{Last()}", error);
        }
    }

    private async Task RemoveAsync(BusContainer container)
    {
        if (await container.RemoveAsync().ConfigureAwait(false) is { } complaint)
            Log(BusLogLevel.Warning, $"The container '{container.Name}' may still be there: {complaint}");
    }

    private StdioBusException EndedTooSoon(Exception? error) => _container!.ExitCode == WrongConfiguration
        ? new BusInvalidArgumentException($"{Ending()}, as it refuses its command line or the configuration.{Last()}", error)
        : new BusUnavailableException($"{Ending()} before it was ready.{Last()}", error);

    private string Ending() => string.Create(CultureInfo.InvariantCulture, $"{Where} ended with exit code {_container!.ExitCode}");

    private string Last() => string.Join('\n', _stderr.Read(5)) is { Length: > 0 } tail ? $" Its last lines: {tail}" : "";
}
