using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace StdioBus;

/// <summary>
/// The container of one bus. What the daemon in it needs comes on its standard input, a line each: the access token of
/// its listener, and the configuration. So neither is in a file, on a command line or in what the engine tells about the
/// container. The daemon ends with that input: when this process is killed, the engine closes it, the daemon stops and
/// the engine removes the container.
/// </summary>
internal sealed class BusContainer
{
    /// <summary>Where the daemon listens inside.</summary>
    public const int Port = 8765;

    // What the daemon writes to its standard output when it serves.
    private const string Ready = """{"jsonrpc":"2.0","method":"stdio_bus/ready"}""";

    // What the engine's own commands may take.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // How long the attached command may take to see that its container is gone.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly ContainerEngine _engine;
    private readonly DaemonProcess _attached;
    private readonly TaskCompletionSource<bool> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _handover = Task.CompletedTask;
    private Task _reading = Task.CompletedTask;
    private Task<string?>? _removal;

    private BusContainer(ContainerEngine engine, string id, string name, DaemonProcess attached)
    {
        _engine = engine;
        Id = id;
        Name = name;
        _attached = attached;
    }

    /// <summary>What the daemon's listener asks for.</summary>
    public string AccessToken { get; } = RandomNumberGenerator.GetHexString(64, lowercase: true);

    /// <summary>The engine's id of it.</summary>
    public string Id { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What the engine's command that is attached to it ended with, which is the daemon's exit code; null before.</summary>
    public int? ExitCode => _attached.ExitCode;

    /// <summary>Makes a container and starts it. Whatever becomes of it, it is to be removed.</summary>
    /// <exception cref="StdioBusException">It cannot be made; nothing is left of it.</exception>
    public static async Task<BusContainer> StartAsync(ContainerEngine engine, DockerOptions options, byte[] config, string logLevel, StderrTail stderr, string busName, CancellationToken cancellationToken)
    {
        string name = $"{options.ContainerNamePrefix}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
        string id;
        try
        {
            EngineAnswer made = await engine.RunAsync(ContainerArguments.Create(options, name, busName, logLevel), cancellationToken).ConfigureAwait(false);
            if (made.ExitCode != 0)
                throw new BusUnavailableException($"The container '{name}' of the image '{options.Image}' cannot be made: {made.Complaint}");

            // What is before the last line is a notice.
            id = made.Output.Split('\n')[^1].Trim();
        }
        catch
        {
            // The engine may have made it nevertheless.
            _ = await RemoveAsync(engine, name).ConfigureAwait(false);
            throw;
        }

        try
        {
            var container = new BusContainer(engine, id, name, engine.Attach(["start", "--attach", "--interactive", id], stderr, busName));
            container._handover = container.HandOverAsync(config);
            container._reading = container.ReadOutputAsync();
            return container;
        }
        catch
        {
            _ = await RemoveAsync(engine, id).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits until the daemon says that it serves; false when it ended before.</summary>
    public Task<bool> WaitUntilReadyAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    /// <summary>The port of this machine that leads to the daemon.</summary>
    /// <exception cref="BusUnavailableException">There is none.</exception>
    public async Task<IPEndPoint> FindPortAsync(CancellationToken cancellationToken)
    {
        EngineAnswer answer = await _engine.RunAsync(["port", Id, string.Create(CultureInfo.InvariantCulture, $"{Port}/tcp")], cancellationToken).ConfigureAwait(false);
        foreach (string line in answer.Output.Split('\n'))
            if (answer.ExitCode == 0 && IPEndPoint.TryParse(line.Trim(), out IPEndPoint? address) && IPAddress.IsLoopback(address.Address))
                return address;
        throw new BusUnavailableException(
            $"The container '{Name}' has its port {Port} on no loopback port of this machine ({answer.Complaint}). It has to be on a network that publishes ports; {nameof(DockerOptions.ExtraArgs)} may have put it on another.");
    }

    /// <summary>Tells the daemon to end in order.</summary>
    public void EndInput() => _attached.Input.Dispose();

    /// <summary>Waits for the end of the daemon, and of the command that is attached to it; false when it does not come in time.</summary>
    public bool WaitForEnd(TimeSpan patience) => _attached.WaitForExit(patience);

    /// <summary>Ends and removes it at once, with all that runs in it. Null, or why it may still be there. Safe to repeat.</summary>
    public Task<string?> RemoveAsync()
    {
        lock (_engine)
            return _removal ??= RemoveOnceAsync();
    }

    private async Task<string?> RemoveOnceAsync()
    {
        string? complaint = await RemoveAsync(_engine, Id).ConfigureAwait(false);
        if (!_attached.WaitForExit(Grace))
        {
            _attached.Kill();
            _attached.WaitForExit(Patience);
        }

        _attached.Input.Dispose();
        await Task.WhenAll(_handover, _reading).ConfigureAwait(false);
        return complaint;
    }

    private static async Task<string?> RemoveAsync(ContainerEngine engine, string container)
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            EngineAnswer answer = await engine.RunAsync(["rm", "--force", "--volumes", container], limit.Token).ConfigureAwait(false);

            // The engine removes one that ended by itself.
            return answer.ExitCode == 0 || answer.Error.Contains("no such container", StringComparison.OrdinalIgnoreCase) || answer.Error.Contains("already in progress", StringComparison.OrdinalIgnoreCase)
                ? null
                : answer.Complaint;
        }
        catch (OperationCanceledException)
        {
            return $"the engine did not answer within {Patience.TotalSeconds} s";
        }
        catch (BusUnavailableException error)
        {
            return error.Message;
        }
    }

    private async Task HandOverAsync(byte[] config)
    {
        try
        {
            await _attached.Input.WriteAsync(Encoding.ASCII.GetBytes(AccessToken + "\n")).ConfigureAwait(false);
            await _attached.Input.WriteAsync(config).ConfigureAwait(false);
            await _attached.Input.WriteAsync("\n"u8.ToArray()).ConfigureAwait(false);
            await _attached.Input.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It ended without reading it; what it said tells why.
        }
    }

    // Of its output there is one line to wait for; the rest is read so that it can go on.
    private async Task ReadOutputAsync()
    {
        using var lines = new StreamReader(_attached.Output, Encoding.UTF8, leaveOpen: true);
        try
        {
            while (await lines.ReadLineAsync().ConfigureAwait(false) is { } line)
                if (line == Ready)
                    _ready.TrySetResult(true);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It ended.
        }

        _ready.TrySetResult(false);
    }
}
