using StdioBus.Module.Tests.Engine;

namespace StdioBus.Module.Tests.Help;

/// <summary>A folder with the built DemoAgent in it, as the examples of the help expect. Gone at the end of the test.</summary>
internal sealed class ExampleFolder : IDisposable
{
    public ExampleFolder()
    {
        foreach (string file in Directory.GetFiles(System.IO.Path.Combine(ProductFolder.Root, "docs", "examples", "workers", "DemoAgent", "bin"), "DemoAgent.*"))
            File.Copy(file, System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)));
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("stdiobus-example-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
