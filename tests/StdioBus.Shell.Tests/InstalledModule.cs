using System.Diagnostics;
using System.IO.Compression;

namespace StdioBus.Shell.Tests;

/// <summary>
/// The packed module, unpacked into a folder of its own as an installer does it (<c>StdioBus/VERSION/</c>, without the
/// package's own parts), with copies beside it of all that the quick start needs. Gone at the end of the test.
/// </summary>
internal sealed class InstalledModule : IDisposable
{
    private static readonly string[] PackageParts = ["_rels/", "package/", "[Content_Types].xml", "StdioBus.nuspec"];

    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-installed-").FullName;

    private InstalledModule()
    {
    }

    public string Package { get; private set; } = "";

    /// <summary>The files of the module as the package has them, with slashes, in order.</summary>
    public IReadOnlyList<string> Files { get; private set; } = [];

    public string Nuspec { get; private set; } = "";

    /// <summary>The folder that holds the manifest.</summary>
    public string Folder { get; private set; } = "";

    /// <summary>A copy of the built shell.</summary>
    public string Shell => Path.Combine(_folder, "shell", Path.GetFileName(Repository.Shell));

    /// <summary>A copy of the quick start, with its worker where it looks for it.</summary>
    public string Quickstart => Path.Combine(_folder, "examples", "quickstart.ps1");

    public static async Task<InstalledModule> InstallAsync()
    {
        var module = new InstalledModule();
        try
        {
            await module.PackAsync();
            module.Unpack();
            Copy(Path.GetDirectoryName(Repository.Shell)!, Path.GetDirectoryName(module.Shell)!);
            Copy(Path.GetDirectoryName(Repository.DemoAgent)!, Path.Combine(module._folder, "examples", "workers", "DemoAgent", "bin"));
            File.Copy(Repository.Example("quickstart.ps1"), module.Quickstart);
            return module;
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <summary>What <c>dotnet pack</c> says and its exit code; nothing is built.</summary>
    public static async Task<ShellResult> RunPackAsync(string output, params string[] more)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [
                "pack", Path.Combine(Repository.Root, "src", "StdioBus.Module"), "--no-build", "--output", output,
                "--configuration", Repository.Configuration, "--disable-build-servers", "-nodeReuse:false", .. more,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var pack = Process.Start(start)!;
        var error = pack.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var said = await pack.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await pack.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new ShellResult(pack.ExitCode, said, await error);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task PackAsync()
    {
        var packed = await RunPackAsync(_folder);
        Assert.True(packed.ExitCode == 0, packed.Output + packed.Error);
        Package = Assert.Single(Directory.GetFiles(_folder, "*.nupkg"));
    }

    private void Unpack()
    {
        var version = Path.GetFileNameWithoutExtension(Package)["StdioBus.".Length..];
        Folder = Path.Combine(_folder, "Modules", "StdioBus", version);
        using var archive = ZipFile.OpenRead(Package);
        using (var nuspec = new StreamReader(archive.GetEntry("StdioBus.nuspec")!.Open()))
            Nuspec = nuspec.ReadToEnd();
        var entries = archive.Entries.Where(entry => !PackageParts.Any(part => entry.FullName.StartsWith(part, StringComparison.Ordinal))).ToList();
        foreach (var entry in entries)
        {
            var target = Path.Combine(Folder, entry.FullName);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            // By hand, since installers give no file the permission to be executed.
            using var from = entry.Open();
            using var to = File.Create(target);
            from.CopyTo(to);
        }

        Files = [.. entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal)];
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
