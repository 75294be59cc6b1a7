using System.Diagnostics;

namespace StdioBus.Tests.Support;

/// <summary>A daemon that serves the clients of a socket; it is ended, and its files removed, with this.</summary>
internal sealed class RunningDaemon : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-daemon-").FullName;
    private Process? _process;
    private bool _overTcp;
    private bool _withToken;

    /// <summary>What its TCP listener asks for.</summary>
    public const string Token = "a \"secret\"";

    /// <summary>Whether this system has Unix sockets. Where it has none, a daemon that would listen on one does so on TCP.</summary>
    public static bool HasUnixSockets => System.Net.Sockets.Socket.OSSupportsUnixDomainSockets;

    /// <summary>Its process.</summary>
    public Process Process => _process!;

    /// <summary>How it is reached.</summary>
    public SocketOptions Address { get; private set; } = new();

    /// <summary>Starts one; ends when it is ready.</summary>
    public static async Task<RunningDaemon> StartAsync(BusConfig config, bool overTcp, bool withToken = true)
    {
        var daemon = new RunningDaemon { _overTcp = overTcp || !HasUnixSockets, _withToken = withToken };
        await daemon.StartAsync(config, Token);
        return daemon;
    }

    /// <summary>Ends it by SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().Soon();
    }

    /// <summary>Starts one more after the end of the last, at the same address; with another configuration or token where they are given.</summary>
    public Task StartAgainAsync(BusConfig? config = null, string? token = null)
    {
        _process!.Dispose();
        return StartAsync(config, token ?? Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process!.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync().Soon();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(BusConfig? config, string token)
    {
        string file = Path.Combine(_folder, "config.json");
        if (config is not null)
            await File.WriteAllTextAsync(file, config.ToJson());
        string tokenFile = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(tokenFile, token + "\n");
        string socket = Path.Combine(_folder, "bus.sock");
        string tcp = $"127.0.0.1:{Address.Port ?? 0}";
        string[] listener = !_overTcp ? ["--unix", socket] : _withToken ? ["--tcp", tcp, "--token-file", tokenFile] : ["--tcp", tcp];
        _process = Process.Start(new ProcessStartInfo(DaemonProgram.Find(null), ["--config", file, .. listener]) { RedirectStandardError = true })!;
        string ready = await ReadUntilReadyAsync().Soon();
        string[] address = ready.Split(' ')[^1].Split(':');
        Address = _overTcp
            ? new SocketOptions { Host = address[0], Port = int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture), AccessToken = _withToken ? Token : null }
            : new SocketOptions { UnixPath = socket };
    }

    private async Task<string> ReadUntilReadyAsync()
    {
        while (await _process!.StandardError.ReadLineAsync() is { } line)
        {
            if (!line.Contains("ready:", StringComparison.Ordinal))
                continue;

            // The rest is read, so that the daemon can go on writing.
            _ = _process.StandardError.ReadToEndAsync();
            return line;
        }

        throw new InvalidOperationException("The daemon ended before it was ready.");
    }
}
