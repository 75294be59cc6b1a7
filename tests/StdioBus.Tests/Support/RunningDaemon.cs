using System.Diagnostics;

namespace StdioBus.Tests.Support;

/// <summary>A daemon that serves the clients of a socket; it is ended, and its files removed, with this.</summary>
internal sealed class RunningDaemon : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-daemon-").FullName;
    private Process? _process;

    /// <summary>What its TCP listener asks for.</summary>
    public const string Token = "a \"secret\"";

    /// <summary>Its process.</summary>
    public Process Process => _process!;

    /// <summary>How it is reached.</summary>
    public SocketOptions Address { get; private set; } = new();

    /// <summary>Starts one; ends when it is ready.</summary>
    public static async Task<RunningDaemon> StartAsync(BusConfig config, bool overTcp, bool withToken = true)
    {
        var daemon = new RunningDaemon();
        string file = Path.Combine(daemon._folder, "config.json");
        await File.WriteAllTextAsync(file, config.ToJson());
        string token = Path.Combine(daemon._folder, "token");
        await File.WriteAllTextAsync(token, Token + "\n");
        string socket = Path.Combine(daemon._folder, "bus.sock");
        string[] listener = !overTcp ? ["--unix", socket] : withToken ? ["--tcp", "127.0.0.1:0", "--token-file", token] : ["--tcp", "127.0.0.1:0"];
        var start = new ProcessStartInfo(DaemonProgram.Find(null), ["--config", file, .. listener]) { RedirectStandardError = true };
        daemon._process = Process.Start(start)!;
        string ready = await daemon.ReadUntilReadyAsync().Soon();
        string[] address = ready.Split(' ')[^1].Split(':');
        daemon.Address = overTcp
            ? new SocketOptions { Host = address[0], Port = int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture), AccessToken = withToken ? Token : null }
            : new SocketOptions { UnixPath = socket };
        return daemon;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process!.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync().Soon();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
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
