namespace StdioBus.Shell;

/// <summary>Where the StdioBus module is.</summary>
internal static class ModuleFolder
{
    public const string PathVariable = "STDIOBUS_MODULE_PATH";
    private const string ManifestName = "StdioBus.psd1";

    /// <summary>
    /// The module's manifest: in the folder that STDIOBUS_MODULE_PATH names, else in StdioBus beside the shell, else
    /// in out/StdioBus of a folder above it.
    /// </summary>
    /// <exception cref="FileNotFoundException">None of these has it; the message lists where it was looked for.</exception>
    public static string FindManifest()
    {
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } chosen)
        {
            var manifest = chosen.EndsWith(".psd1", StringComparison.OrdinalIgnoreCase) ? chosen : Path.Combine(chosen, ManifestName);
            return File.Exists(manifest)
                ? Path.GetFullPath(manifest)
                : throw new FileNotFoundException($"The StdioBus module was not found: {PathVariable} is '{chosen}', and there is no {manifest}.");
        }

        var looked = new List<string> { Path.Combine(AppContext.BaseDirectory, "StdioBus", ManifestName) };
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            looked.Add(Path.Combine(folder.FullName, "out", "StdioBus", ManifestName));
        return looked.Find(File.Exists)
            ?? throw new FileNotFoundException(
                $"The StdioBus module was not found. Build it (dotnet build), or set {PathVariable} to its folder. Looked at:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", looked)}");
    }
}
