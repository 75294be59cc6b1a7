using StdioBus.Tests.Support;

namespace StdioBus.Tests.Prebuilds;

/// <summary>The form of a platform's binaries.</summary>
public enum BinaryForm
{
    /// <summary>Linux.</summary>
    Elf,

    /// <summary>macOS.</summary>
    MachO,

    /// <summary>Windows.</summary>
    Pe,
}

/// <summary>A platform that the kernel is built for: where its files lie and what they are.</summary>
public sealed record ShippedPlatform(string Triple, string Daemon, BinaryForm Form, bool HasLibrary = true)
{
    /// <summary>All of them. Windows counts once its part of the kernel is there.</summary>
    public static IReadOnlyList<ShippedPlatform> All { get; } =
    [
        new("x86_64-unknown-linux-gnu", "linux-amd64", BinaryForm.Elf),
        new("aarch64-unknown-linux-gnu", "linux-arm64", BinaryForm.Elf),
        new("x86_64-unknown-linux-musl", "linux-musl-amd64", BinaryForm.Elf),
        new("aarch64-unknown-linux-musl", "linux-musl-arm64", BinaryForm.Elf),
        new("armv7-unknown-linux-musleabihf", "linux-armv7", BinaryForm.Elf, HasLibrary: false),
        new("x86_64-apple-darwin", "darwin-amd64", BinaryForm.MachO),
        new("aarch64-apple-darwin", "darwin-arm64", BinaryForm.MachO),
        .. Directory.GetFiles(Path.Combine(Kernel, "src", "os"), "windows*.c") is []
            ? (ShippedPlatform[])[]
            : [new("x86_64-pc-windows-gnu", "windows-amd64", BinaryForm.Pe), new("aarch64-pc-windows-gnu", "windows-arm64", BinaryForm.Pe)],
    ];

    /// <summary>The processor, as triples call it.</summary>
    public string Processor => Triple[..Triple.IndexOf('-', StringComparison.Ordinal)];

    /// <summary>Whether its C library is musl.</summary>
    public bool IsMusl => Triple.Contains("musl", StringComparison.Ordinal);

    /// <summary>The name of the shared library.</summary>
    public string LibraryName => Form switch { BinaryForm.Elf => "libstdio_bus.so", BinaryForm.MachO => "libstdio_bus.dylib", _ => "stdio_bus.dll" };

    internal static string Kernel => Path.Combine(Repository.Root, "kernel");

    internal string LibraryFolder => Path.Combine(Kernel, "prebuilds", Triple);

    internal byte[] SharedLibrary => File.ReadAllBytes(Path.Combine(LibraryFolder, LibraryName));

    internal byte[] DaemonProgram => File.ReadAllBytes(Path.Combine(Kernel, "dist", Daemon, Form == BinaryForm.Pe ? "stdio_bus.exe" : "stdio_bus"));

    internal IEnumerable<byte[]> Objects => StaticLibrary.Members(File.ReadAllBytes(Path.Combine(LibraryFolder, "libstdio_bus.a")));

    internal static ShippedPlatform Of(string triple) => All.Single(platform => platform.Triple == triple);
}
