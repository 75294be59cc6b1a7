namespace StdioBus;

/// <summary>Options of a kernel that runs in this process.</summary>
public sealed class NativeOptions
{
    /// <summary>Absolute path of the kernel's library; null to look for it.</summary>
    public string? LibraryPath { get; set; }

    /// <summary>How often a kernel that cannot be woken is asked for news: 1 ms, and not less. Unused with a version 3 kernel.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Whether and how the bus listens for socket clients.</summary>
    public ListenMode ListenMode { get; set; } = ListenMode.None;

    /// <summary>With <see cref="ListenMode.Tcp"/>: the address; null for 127.0.0.1.</summary>
    public string? TcpHost { get; set; }

    /// <summary>With <see cref="ListenMode.Tcp"/>: the port, 0 to 65535. Required; 0 lets the system choose.</summary>
    public int? TcpPort { get; set; }

    /// <summary>With <see cref="ListenMode.Unix"/>: the socket's path. Required.</summary>
    public string? UnixPath { get; set; }

    /// <summary>
    /// With <see cref="ListenMode.Tcp"/>: what clients must show before anything else, 1 to 1,024 bytes of UTF-8; null for
    /// nothing. It travels in clear text.
    /// </summary>
    public string? AccessToken { get; set; }

    /// <summary>
    /// With <see cref="ListenMode.Tcp"/>: whether other machines may reach the listener. Without, the address must be a
    /// loopback one; with it, an <see cref="AccessToken"/> is required for any other.
    /// </summary>
    public bool AllowRemote { get; set; }

    /// <summary>Kernel log lines below this level are not made.</summary>
    public BusLogLevel LogLevel { get; set; } = BusLogLevel.Information;

    internal NativeOptions Copy() => (NativeOptions)MemberwiseClone();
}
