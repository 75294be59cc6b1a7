using System.Reflection;

namespace StdioBus.EngineBench;

/// <summary>The modules that are imported: the assembled one, and one with a single empty command.</summary>
internal sealed record Modules(string StdioBus, string Empty)
{
    public static Modules Find()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "StdioBus.psd1"))) root = Path.GetDirectoryName(root);
        if (root is null) throw new InvalidOperationException($"no StdioBus.psd1 above {AppContext.BaseDirectory}");
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return new Modules(
            Path.Combine(root, "out", "StdioBus", "StdioBus.psd1"),
            Path.Combine(root, "tests", "bench", "engine", "EmptyModule", "bin", configuration, "net8.0", "EmptyModule.dll"));
    }

    /// <summary>Has the core loaded from the module's folder, also where this program uses it.</summary>
    public void LoadFromTheModule() => AppDomain.CurrentDomain.AssemblyResolve += (_, wanted) =>
    {
        string path = Path.Combine(Path.GetDirectoryName(StdioBus)!, new AssemblyName(wanted.Name).Name + ".dll");
        return File.Exists(path) ? Assembly.LoadFrom(path) : null;
    };
}
