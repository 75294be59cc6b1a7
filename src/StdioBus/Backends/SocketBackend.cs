using System.Net.Sockets;

namespace StdioBus;

/// <summary>A kernel that runs already: a daemon, over one of its sockets. An end of the bus ends the connection only.</summary>
internal sealed class SocketBackend : RemoteBackend
{
    // How long the daemon may take to close its side once ours is closed.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly SocketOptions _options;
    private Socket? _socket;

    public SocketBackend(BusConfig config, SocketOptions options, CallIds ids, BusLogLevel logLevel, Func<string> name)
        : base(config, ids, logLevel, name)
    {
        _options = options;
    }

    public override BackendKind Kind => BackendKind.Socket;

    public override string Transport => _options.UnixPath is null ? "tcp" : "unix";

    protected override bool MakesAgain => _options.Reconnect;

    protected override string Where => _options.UnixPath is { } path ? $"The daemon at '{path}'" : $"The daemon at {_options.Host}:{_options.Port}";

    protected override async Task<DaemonLink> ConnectAsync(CancellationToken cancellationToken)
    {
        _socket = _options.UnixPath is { } path
            ? await DaemonSocket.ConnectAsync(path, Where, Patience, cancellationToken).ConfigureAwait(false)
            : await DaemonSocket.ConnectAsync(_options.Host!, _options.Port!.Value, Where, Patience, cancellationToken).ConfigureAwait(false);
        return DaemonSocket.Link(_socket);
    }

    protected override async Task AuthenticateAsync(DaemonConnection connection)
    {
        if (_options.AccessToken is not { } token)
            return;
        try
        {
            await DaemonSocket.AuthenticateAsync(connection, token).ConfigureAwait(false);
        }
        catch (StdioBusException error)
        {
            throw new BusPolicyException($"{Where} refused {nameof(SocketOptions.AccessToken)}.", error);
        }
    }

    protected override void DropConnection() => _socket?.Dispose();

    // The ids of workers, and which pool has which, follow from the configuration alone.
    protected override void CheckWorkers(IReadOnlyList<BusWorker> workers)
    {
        string[] expected = [.. Config.Pools.SelectMany(pool => Enumerable.Repeat(pool.Id, pool.Instances))];
        string[] actual = [.. workers.OrderBy(worker => worker.Id).Select(worker => worker.Pool)];
        if (!expected.SequenceEqual(actual, StringComparer.Ordinal))
            throw new BusInvalidArgumentException($"Config: the pools are not those of the daemon. Expected, in this order: {List(actual)}; got: {List(expected)}.");
    }

    protected override Task<StdioBusException> ExplainAsync(StdioBusException error) => Task.FromResult<StdioBusException>(
        error.RpcCode == RpcErrorCode.InvalidRequest
            ? new BusPolicyException($"{Where} does not admit this client: over TCP it must have an access token that {nameof(SocketOptions.AccessToken)} shows.", error)
        : error is BusTransportException ? new BusTransportException($"{Where} ended the connection before the bus was ready.", error)
        : error);

    protected override StdioBusException? Explain(Exception? error)
    {
        _socket!.Dispose();
        return IsEnding ? null : new BusTransportException($"The connection to {Where[..1].ToLowerInvariant()}{Where[1..]} was lost{(error is null ? ": the daemon closed it." : $": {error.Message}")}", error);
    }

    // What was sent has to reach the daemon: a socket that is closed with something unread takes that along.
    protected override async Task EndAsync(TimeSpan? timeout)
    {
        FinishWriting();
        try
        {
            await Ended.Task.WaitAsync(timeout is { } limit && limit >= TimeSpan.Zero && limit < Grace ? limit : Grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await KillNowAsync().ConfigureAwait(false);
        }
    }

    protected override async Task KillNowAsync()
    {
        if (_socket is not { } socket)
            return;
        FinishWriting();
        socket.Dispose();
        await Ended.Task.WaitAsync(Patience).ConfigureAwait(false);
    }

    private static string List(string[] pools) =>
        string.Join(", ", pools.GroupBy(pool => pool, StringComparer.Ordinal).Select(group => $"'{group.Key}' with {group.Count()} worker(s)"));
}
