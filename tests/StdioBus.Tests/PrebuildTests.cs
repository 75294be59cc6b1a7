using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using StdioBus.Tests.Prebuilds;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The kernel's binaries that ship, of every platform: none of them but one can run here, so they are read.</summary>
public sealed partial class PrebuildTests
{
    private static readonly Version NewestGlibc = new(2, 17);

    public static TheoryData<string> Platforms => Those(_ => true);

    public static TheoryData<string> OnLinux => Those(platform => platform.Form == BinaryForm.Elf);

    public static TheoryData<string> OnMacos => Those(platform => platform.Form == BinaryForm.MachO);

    public static TheoryData<string> Libraries => Those(platform => platform.HasLibrary);

    public static TheoryData<string> Version2Libraries => [.. Directory.GetDirectories(Path.Combine(Repository.Root, "tests", "native")).Select(folder => Path.GetFileName(folder)!)];

    [Fact(DisplayName = "There are libraries and daemons for the platforms that are known, and for no other")]
    public void Every_platform_has_its_files()
    {
        Assert.Equal(Libraries.Select(row => row.Data).Order(), Folders("prebuilds"));
        Assert.Equal(ShippedPlatform.All.Select(platform => platform.Daemon).Order(), Folders("dist"));
    }

    [Fact(DisplayName = "The checksums are those of the files that ship, of all of them")]
    public void The_checksums_hold()
    {
        string[] files =
        [
            .. new[] { "prebuilds", "dist" }.SelectMany(folder => Directory.GetFiles(Path.Combine(ShippedPlatform.Kernel, folder), "*", SearchOption.AllDirectories))
                .Where(file => !file.EndsWith(".sha256", StringComparison.Ordinal)),
        ];
        IEnumerable<string> lines = files.Select(file =>
            $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}  {Path.GetRelativePath(ShippedPlatform.Kernel, file).Replace('\\', '/')}");
        Assert.Equal(lines.OrderBy(line => line[66..], StringComparer.Ordinal), File.ReadAllLines(Path.Combine(ShippedPlatform.Kernel, "dist", "checksums.sha256")));
    }

    [Theory(DisplayName = "A shared library has the functions of the public headers and no other name")]
    [MemberData(nameof(Libraries))]
    public void A_shared_library_has_the_public_functions(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        Assert.Equal(Declared("stdio_bus_embed.h").Concat(Declared("stdio_bus.h")).Order(), Exports(platform.SharedLibrary, platform.Form).Order());
    }

    [Theory(DisplayName = "A26: a library of version 2 has the functions of the embedding header and no other name")]
    [MemberData(nameof(Version2Libraries))]
    public void A_version_2_library_has_the_embedding_functions(string triple)
    {
        string library = Assert.Single(Directory.GetFiles(Path.Combine(Repository.Root, "tests", "native", triple)));
        Assert.Equal(Declared("stdio_bus_embed.h").Order(), Exports(File.ReadAllBytes(library), ShippedPlatform.Of(triple).Form).Order());
    }

    [Theory(DisplayName = "A static library brings no name into a program but stdio_bus_..., and all the public ones")]
    [MemberData(nameof(Libraries))]
    public void A_static_library_has_names_of_its_own(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        string[] names = [.. platform.Objects.SelectMany(bytes => SharedNames(bytes, platform))];
        Assert.All(names, name => Assert.StartsWith("stdio_bus_", name, StringComparison.Ordinal));
        Assert.Superset(Declared("stdio_bus_embed.h").Concat(Declared("stdio_bus.h")).ToHashSet(), names.ToHashSet());
    }

    [Theory(DisplayName = "A file is for the processor that its folder says")]
    [MemberData(nameof(Platforms))]
    public void A_file_is_for_its_processor(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        byte[][] files = platform.HasLibrary ? [platform.SharedLibrary, platform.DaemonProgram] : [platform.DaemonProgram];
        Assert.All(files, file => Assert.Equal(platform.Processor, Processor(file, platform.Form)));
    }

    [Theory(DisplayName = "A daemon is loaded at any address, runs no code from its stack and locks its tables")]
    [MemberData(nameof(Platforms))]
    public void A_daemon_is_protected(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        switch (platform.Form)
        {
            case BinaryForm.Elf:
                var elf = new ElfFile(platform.DaemonProgram);
                Assert.Equal((true, true, true), (elf.IsPositionIndependentProgram, elf.StackIsData, elf.TablesAreLocked));
                break;
            case BinaryForm.MachO:
                var macho = new MachOFile(platform.DaemonProgram);
                Assert.Equal((true, true), (macho.IsPositionIndependentProgram, macho.StackIsData));
                break;
            default:
                AssertProtected(new PeFile(platform.DaemonProgram), isLibrary: false);
                break;
        }
    }

    [Theory(DisplayName = "A shared library is protected as a daemon is, and watches over its stack")]
    [MemberData(nameof(Libraries))]
    public void A_library_is_protected(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        switch (platform.Form)
        {
            case BinaryForm.Elf:
                var elf = new ElfFile(platform.SharedLibrary);
                Assert.Equal((ElfFile.SharedObject, true, true), (elf.Type, elf.StackIsData, elf.TablesAreLocked));
                Assert.Contains("__stack_chk_fail", elf.Imports);
                break;
            case BinaryForm.MachO:
                var macho = new MachOFile(platform.SharedLibrary);
                Assert.Equal((MachOFile.Library, true), (macho.Type, macho.StackIsData));
                Assert.Contains("__stack_chk_fail", macho.Imports);
                break;
            default:
                AssertProtected(new PeFile(platform.SharedLibrary), isLibrary: true);
                break;
        }
    }

    [Theory(DisplayName = "On Linux nothing is needed but the C library, of glibc no name newer than 2.17, and by a daemon for musl nothing at all")]
    [MemberData(nameof(OnLinux))]
    public void Linux_needs_the_c_library(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        var daemon = new ElfFile(platform.DaemonProgram);
        Assert.Equal(!platform.IsMusl, daemon.HasInterpreter);
        ElfFile[] files = platform.HasLibrary ? [daemon, new ElfFile(platform.SharedLibrary)] : [daemon];
        if (platform.IsMusl)
        {
            Assert.Empty(daemon.NeededLibraries);
            Assert.All(files[1..], library => Assert.Equal(["libc.so"], library.NeededLibraries));
            Assert.All(files, file => Assert.Empty(file.NeededNameVersions));
            return;
        }

        Assert.All(files, file => Assert.All(file.NeededLibraries, name => Assert.Matches(@"^(lib(c|pthread|rt|dl)\.so\.\d+|ld-linux-[a-z0-9-]+\.so\.\d+)$", name)));
        Version[] versions = [.. files.SelectMany(file => file.NeededNameVersions).Select(name => Version.Parse(Assert.IsType<string>(name)["GLIBC_".Length..]))];
        Assert.NotEmpty(versions);
        Assert.All(versions, version => Assert.True(version <= NewestGlibc, $"GLIBC_{version}"));
    }

    [Theory(DisplayName = "On macOS a file runs from 11.0 on, needs libSystem alone, and on arm64 has the ad-hoc signature that is asked for")]
    [MemberData(nameof(OnMacos))]
    public void Macos_finds_what_it_asks_for(string triple)
    {
        ShippedPlatform platform = ShippedPlatform.Of(triple);
        var library = new MachOFile(platform.SharedLibrary);
        Assert.Equal("@rpath/libstdio_bus.dylib", library.Name);
        foreach (MachOFile file in new[] { library, new MachOFile(platform.DaemonProgram) })
        {
            Assert.Equal(new Version(11, 0), file.Oldest);
            Assert.Equal(["/usr/lib/libSystem.B.dylib"], file.NeededLibraries);
            Assert.Equal(platform.Processor == "aarch64", file.IsSigned);
            Assert.True(!file.IsSigned || file.SignatureHolds());
        }
    }

    [Fact(DisplayName = "A signature does not hold for a file that was changed")]
    public void A_changed_file_is_noticed()
    {
        byte[] library = ShippedPlatform.Of("aarch64-apple-darwin").SharedLibrary;
        Assert.True(new MachOFile(library).SignatureHolds());
        library[library.Length / 2] ^= 1;
        Assert.False(new MachOFile(library).SignatureHolds());
    }

    private static TheoryData<string> Those(Func<ShippedPlatform, bool> which) => [.. ShippedPlatform.All.Where(which).Select(platform => platform.Triple)];

    private static void AssertProtected(PeFile file, bool isLibrary)
    {
        const DllCharacteristics Wanted = DllCharacteristics.DynamicBase | DllCharacteristics.HighEntropyVirtualAddressSpace | DllCharacteristics.NxCompatible;
        Assert.Equal(isLibrary, file.IsLibrary);
        Assert.Equal(Wanted, file.Protections & Wanted);
        Assert.Equal((0, 0u), file.TimeAndChecksum);
    }

    private static IEnumerable<string> Exports(byte[] library, BinaryForm form) => form switch
    {
        BinaryForm.Elf => new ElfFile(library).Exports,
        BinaryForm.MachO => new MachOFile(library).Exports,
        _ => new PeFile(library).Exports,
    };

    private static IEnumerable<string> SharedNames(byte[] bytes, ShippedPlatform platform) => platform.Form switch
    {
        BinaryForm.Elf => new ElfFile(bytes).SharedNames,
        BinaryForm.MachO => new MachOFile(bytes).SharedNames,
        _ => CoffObject.SharedNames(bytes),
    };

    private static string Processor(byte[] file, BinaryForm form) => form switch
    {
        BinaryForm.Elf => new ElfFile(file).Machine switch { 62 => "x86_64", 183 => "aarch64", 40 => "armv7", var other => $"ELF {other}" },
        BinaryForm.MachO => new MachOFile(file).Processor switch { MachOFile.X64 => "x86_64", MachOFile.Arm64 => "aarch64", var other => $"Mach-O {other}" },
        _ => new PeFile(file).Machine switch { Machine.Amd64 => "x86_64", Machine.Arm64 => "aarch64", var other => $"PE {other}" },
    };

    private static IEnumerable<string> Folders(string parent) => Directory.GetDirectories(Path.Combine(ShippedPlatform.Kernel, parent)).Select(folder => Path.GetFileName(folder)!).Order();

    private static IEnumerable<string> Declared(string header) =>
        Declaration().Matches(File.ReadAllText(Path.Combine(ShippedPlatform.Kernel, "include", header))).Select(match => match.Groups["name"].Value);

    [GeneratedRegex(@"STDIO_BUS_API\s[^;(]*?(?<name>stdio_bus_\w+)\s*\(", RegexOptions.ExplicitCapture)]
    private static partial Regex Declaration();
}
