using System.Text.RegularExpressions;

namespace StdioBus.Shell.Tests;

/// <summary>The package for the PowerShell Gallery.</summary>
[Trait("Acceptance", "A31")]
public sealed partial class PackageTests
{
    [Fact]
    public async Task An_installed_package_runs_the_quickstart_without_anything_of_the_repository()
    {
        using var module = await InstalledModule.InstallAsync();
        // What is mapped at the end tells where everything came from.
        using var script = new ScriptFile("""
            param($Quickstart)
            . $Quickstart
            "module: $((Get-Module StdioBus).ModuleBase)"
            [System.IO.File]::ReadAllLines('/proc/self/maps') | ForEach-Object { "mapped: $_" }
            """);

        var result = await ShellProcess.RunAsync(
            module.Shell, [script.Path, module.Quickstart], new Dictionary<string, string?> { ["STDIOBUS_MODULE_PATH"] = module.Folder }, script.Folder);

        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("workers were started, 0 are left.", result.Output, StringComparison.Ordinal);
        Assert.Contains($"module: {module.Folder}", result.OutputLines);
        Assert.Contains(result.OutputLines, line => line.EndsWith($"{module.Folder}/linux-x64/libstdio_bus.so", StringComparison.Ordinal));
        Assert.DoesNotContain(Repository.Root + "/", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_package_holds_the_module_with_every_platform_and_nothing_else()
    {
        using var module = await InstalledModule.InstallAsync();

        string[] expected =
        [
            "LICENSE", "StdioBus.Format.ps1xml", "StdioBus.Module.dll", "StdioBus.Types.ps1xml", "StdioBus.dll", "StdioBus.psd1",
            "linux-arm/stdio_bus",
            "linux-arm64/libstdio_bus.so", "linux-arm64/stdio_bus",
            "linux-musl-arm64/libstdio_bus.so", "linux-musl-arm64/stdio_bus",
            "linux-musl-x64/libstdio_bus.so", "linux-musl-x64/stdio_bus",
            "linux-x64/libstdio_bus.so", "linux-x64/stdio_bus",
            "osx-arm64/libstdio_bus.dylib", "osx-arm64/stdio_bus",
            "osx-x64/libstdio_bus.dylib", "osx-x64/stdio_bus",
            .. File.Exists(Path.Combine(Repository.Root, "kernel", "src", "os", "windows.c"))
                ? ["win-arm64/stdio_bus.dll", "win-arm64/stdio_bus.exe", "win-x64/stdio_bus.dll", "win-x64/stdio_bus.exe"]
                : Array.Empty<string>(),
        ];
        string[] help = ["en-US/StdioBus.Module.dll-Help.xml", .. Directory.GetFiles(Path.Combine(Repository.Root, "docs", "en-US"), "about_*.md").Select(TopicFile)];
        Assert.Equal(expected.Concat(help).Order(StringComparer.Ordinal), module.Files);
    }

    [Fact]
    public async Task The_package_says_of_itself_what_the_Gallery_looks_for()
    {
        using var module = await InstalledModule.InstallAsync();
        var commands = await ShellProcess.RunCommandAsync("(Get-Command -Module StdioBus).Name");

        var tags = Tags().Match(module.Nuspec).Groups["tags"].Value.Split(' ');
        Assert.Equal(tags.Length, tags.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Superset(new HashSet<string>(["PSModule", "PSEdition_Core", "PSIncludes_Cmdlet"]), new HashSet<string>(tags));
        Assert.Equal(commands.OutputLines.Order(), TagsOf("PSCmdlet_", tags));
        Assert.Equal(commands.OutputLines.Order(), TagsOf("PSCommand_", tags));
        Assert.Contains("<id>StdioBus</id>", module.Nuspec, StringComparison.Ordinal);
        Assert.Contains("<license type=\"expression\">Apache-2.0</license>", module.Nuspec, StringComparison.Ordinal);
        Assert.DoesNotContain("<dependencies>", module.Nuspec, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_manifest_of_the_package_has_the_changes_of_its_version()
    {
        using var module = await InstalledModule.InstallAsync();
        var changelog = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "CHANGELOG.md"), TestContext.Current.CancellationToken);

        var read = await ShellProcess.RunCommandAsync("""
            $manifest = Test-ModuleManifest $args[0] -ErrorAction Stop
            "## $($manifest.Version)"; ''; $manifest.ReleaseNotes
            """, Path.Combine(module.Folder, "StdioBus.psd1"));

        Assert.Equal("", read.Error);
        Assert.True(read.Output.Length > 100, read.Output);
        Assert.Contains(read.Output, changelog, StringComparison.Ordinal);
    }

    /// <summary>A version that no prebuild was made from stands for a source that has changed.</summary>
    [Fact]
    public async Task Stale_prebuilds_are_not_packed()
    {
        using var target = new ScriptFile("");

        var result = await InstalledModule.RunPackAsync(target.Folder, "-p:Version=99.0.0", "-p:ReleaseNotes=none");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("SBK001", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(target.Folder, "*.nupkg"));
    }

    private static string TopicFile(string page) => $"en-US/{Path.GetFileNameWithoutExtension(page)}.help.txt";

    private static IEnumerable<string> TagsOf(string prefix, IEnumerable<string> tags) =>
        tags.Where(tag => tag.StartsWith(prefix, StringComparison.Ordinal)).Select(tag => tag[prefix.Length..]).Order();

    [GeneratedRegex("<tags>(?<tags>.*)</tags>", RegexOptions.ExplicitCapture)]
    private static partial Regex Tags();
}
