using System.Reflection;
using System.Runtime.CompilerServices;

namespace StdioBus.Module.Tests.Engine;

/// <summary>The assembled module, found from the test assembly up, and the only place its assemblies are loaded from.</summary>
internal static class ProductFolder
{
    public static string Root { get; } = FindRoot();

    public static string Module { get; } = Path.Combine(Root, "out", "StdioBus");

    public static string Manifest { get; } = Path.Combine(Module, "StdioBus.psd1");

    [ModuleInitializer]
    internal static void LoadFromTheModule() => AppDomain.CurrentDomain.AssemblyResolve += (_, wanted) =>
    {
        string path = Path.Combine(Module, new AssemblyName(wanted.Name).Name + ".dll");
        return File.Exists(path) ? Assembly.LoadFrom(path) : null;
    };

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "StdioBus.psd1")))
            folder = Path.GetDirectoryName(folder);

        return folder ?? throw new InvalidOperationException($"No StdioBus.psd1 above {AppContext.BaseDirectory}.");
    }
}
