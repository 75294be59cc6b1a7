namespace StdioBus.Shell.Tests;

/// <summary>A script in a folder of its own, gone at the end of the test.</summary>
internal sealed class ScriptFile : IDisposable
{
    public ScriptFile(string text, string name = "script.ps1")
    {
        Folder = Directory.CreateTempSubdirectory("stdiobus-shell-test-").FullName;
        Path = System.IO.Path.Combine(Folder, name);
        File.WriteAllText(Path, text);
    }

    public string Folder { get; }

    public string Path { get; }

    public Task<ShellResult> RunAsync(params string[] arguments) => ShellProcess.RunAsync([Path, .. arguments]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
