using System.Runtime.Versioning;

namespace StdioBus.Tests;

/// <summary>The daemon's program beside the library, which guards the workers of a host that is killed.</summary>
public sealed class KernelDaemonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-daemon-").FullName;

    private string Library => Path.Combine(_folder, "libstdio_bus.so");

    private string Daemon => Path.Combine(_folder, "stdio_bus");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "The daemon ships beside the library that is loaded, ready to run")]
    [UnsupportedOSPlatform("windows")]
    public void It_ships()
    {
        string? daemon = KernelDaemon.Beside(KernelLibrary.Load(null).Path);
        Assert.NotNull(daemon);
        Assert.True(File.GetUnixFileMode(daemon).HasFlag(UnixFileMode.UserExecute));
    }

    [Fact(DisplayName = "A library alone has no guard")]
    public void A_library_alone() => Assert.Null(KernelDaemon.Beside(Library));

    [Fact(DisplayName = "A daemon that lost its executable bit in a package gets it back, and only those who may read it may run it")]
    [UnsupportedOSPlatform("windows")]
    public void Lost_permissions_come_back()
    {
        File.WriteAllText(Daemon, "");
        File.SetUnixFileMode(Daemon, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Equal(Daemon, KernelDaemon.Beside(Library));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute,
            File.GetUnixFileMode(Daemon));
    }

    [Fact(DisplayName = "Permissions that are there already stay as they are")]
    [UnsupportedOSPlatform("windows")]
    public void Given_permissions_stay()
    {
        File.WriteAllText(Daemon, "");
        File.SetUnixFileMode(Daemon, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead);
        Assert.Equal(Daemon, KernelDaemon.Beside(Library));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead, File.GetUnixFileMode(Daemon));
    }
}
