using System.Runtime.InteropServices;
using StdioBus.Tests.Prebuilds;

namespace StdioBus.Tests;

/// <summary>Which of the kernels that ship a process takes, told by false platforms.</summary>
public sealed class KernelPlatformTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("stdiobus-platform-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory(DisplayName = "A runtime finds the folder and the files of its platform, musl apart from glibc")]
    [InlineData("linux-x64", Architecture.X64, "linux-x64/libstdio_bus.so", "stdio_bus")]
    [InlineData("ubuntu.24.04-x64", Architecture.X64, "linux-x64/libstdio_bus.so", "stdio_bus")]
    [InlineData("debian.12-arm64", Architecture.Arm64, "linux-arm64/libstdio_bus.so", "stdio_bus")]
    [InlineData("linux-arm64", Architecture.Arm64, "linux-arm64/libstdio_bus.so", "stdio_bus")]
    [InlineData("linux-musl-x64", Architecture.X64, "linux-musl-x64/libstdio_bus.so", "stdio_bus")]
    [InlineData("alpine.3.20-x64", Architecture.X64, "linux-musl-x64/libstdio_bus.so", "stdio_bus")]
    [InlineData("alpine-arm64", Architecture.Arm64, "linux-musl-arm64/libstdio_bus.so", "stdio_bus")]
    [InlineData("linux-arm", Architecture.Arm, "linux-arm/libstdio_bus.so", "stdio_bus")]
    [InlineData("linux-musl-arm", Architecture.Arm, "linux-arm/libstdio_bus.so", "stdio_bus")]
    [InlineData("osx-x64", Architecture.X64, "osx-x64/libstdio_bus.dylib", "stdio_bus")]
    [InlineData("osx.15-arm64", Architecture.Arm64, "osx-arm64/libstdio_bus.dylib", "stdio_bus")]
    [InlineData("osx-arm64", Architecture.X64, "osx-x64/libstdio_bus.dylib", "stdio_bus")]
    [InlineData("win-x64", Architecture.X64, "win-x64/stdio_bus.dll", "stdio_bus.exe")]
    [InlineData("win10-arm64", Architecture.Arm64, "win-arm64/stdio_bus.dll", "stdio_bus.exe")]
    [InlineData("linux-riscv64", Architecture.RiscV64, "linux-riscv64/libstdio_bus.so", "stdio_bus")]
    [InlineData("windriver-x64", Architecture.X64, "linux-x64/libstdio_bus.so", "stdio_bus")]
    public void A_runtime_finds_its_platform(string runtime, Architecture processor, string library, string daemon)
    {
        KernelPlatform platform = KernelPlatform.Of(runtime, processor);
        Assert.Equal((library, daemon), ($"{platform.Folder}/{platform.LibraryName}", platform.DaemonName));
    }

    [Fact(DisplayName = "Beside the assembly every platform has its library and daemon, of the very bytes that ship")]
    public void Every_platform_has_its_files()
    {
        foreach (ShippedPlatform shipped in ShippedPlatform.All)
        {
            KernelPlatform platform = Platform(shipped);
            Assert.Equal(shipped.DaemonProgram, File.ReadAllBytes(Path.Combine(KernelPlatform.Home, platform.Folder, platform.DaemonName)));
            string library = Path.Combine(KernelPlatform.Home, platform.Folder, platform.LibraryName);
            Assert.Equal(shipped.HasLibrary, File.Exists(library));
            if (shipped.HasLibrary)
                Assert.Equal(shipped.SharedLibrary, File.ReadAllBytes(library));
        }
    }

    [Fact(DisplayName = "This process takes the library and the daemon of its own platform")]
    public void This_process_takes_its_own()
    {
        (string folder, string library, string daemon) = OperatingSystem.IsWindows() ? ("win-x64", "stdio_bus.dll", "stdio_bus.exe") : ("linux-x64", "libstdio_bus.so", "stdio_bus");
        Assert.Equal(Path.Combine(KernelPlatform.Home, folder, library), KernelLibrary.Load(null).Path);
        Assert.Equal(Path.Combine(KernelPlatform.Home, folder, daemon), DaemonProgram.Find(null));
    }

    [Fact(DisplayName = "A platform without a library is told what was looked for where, and what there is")]
    public void A_missing_library_is_explained()
    {
        Place("linux-x64/libstdio_bus.so");
        Place("osx-arm64/libstdio_bus.dylib");
        Place("linux-arm/stdio_bus");
        var error = Assert.Throws<BusUnavailableException>(() => KernelLibrary.Load(null, KernelPlatform.Of("linux-arm", Architecture.Arm), _home));
        Assert.Equal(
            $"The kernel's library is not there. Looked at: '{Path.Combine(_home, "linux-arm", "libstdio_bus.so")}' does not exist. This platform is linux-arm; there are libraries for linux-x64, osx-arm64.",
            error.Message);
        Assert.EndsWith("there are libraries for none.", Assert.Throws<BusUnavailableException>(() => KernelLibrary.Load(null, KernelPlatform.Current, "/nowhere")).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A library of another processor is named as one that cannot be loaded")]
    public void A_foreign_library_is_explained()
    {
        KernelPlatform arm = KernelPlatform.Of("linux-musl-arm64", Architecture.Arm64);
        var error = Assert.Throws<BusUnavailableException>(() => KernelLibrary.Load(null, arm, KernelPlatform.Home));
        Assert.Contains($"'{Path.Combine(KernelPlatform.Home, "linux-musl-arm64", "libstdio_bus.so")}' cannot be loaded: ", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A platform without a daemon is told what was looked for where, and what there is")]
    public void A_missing_daemon_is_explained()
    {
        Place("linux-x64/stdio_bus");
        Place("win-x64/stdio_bus.exe");
        var error = Assert.Throws<BusUnavailableException>(() => DaemonProgram.Find(null, KernelPlatform.Of("linux-musl-x64", Architecture.X64), _home));
        Assert.Contains($"'{Path.Combine(_home, "linux-musl-x64", "stdio_bus")}' does not exist", error.Message, StringComparison.Ordinal);
        Assert.Contains("This platform is linux-musl-x64; there are daemons for linux-x64, win-x64.", error.Message, StringComparison.Ordinal);
    }

    private static KernelPlatform Platform(ShippedPlatform shipped) => KernelPlatform.Of(
        shipped switch { { Form: BinaryForm.MachO } => "osx", { Form: BinaryForm.Pe } => "win", { IsMusl: true } => "linux-musl", _ => "linux" },
        shipped.Processor switch { "x86_64" => Architecture.X64, "aarch64" => Architecture.Arm64, _ => Architecture.Arm });

    private void Place(string file)
    {
        string path = Path.Combine(_home, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "");
    }
}
