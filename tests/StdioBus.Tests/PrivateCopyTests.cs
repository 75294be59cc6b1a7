using System.Diagnostics;
using System.Runtime.Versioning;

namespace StdioBus.Tests;

/// <summary>Executable copies of programs that cannot be made executable where they lie.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateCopyTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-copy-").FullName;

    private string Program => Path.Combine(_folder, "module", "stdio_bus");

    private string Copies => Path.Combine(_folder, "cache", "StdioBus");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(DisplayName = "The copy can be run, is its owner's alone, and its program stays as it was")]
    public void The_copy_can_be_run()
    {
        UnixFileMode before = Write("exit 7");
        string copy = PrivateCopy.Of(Program, Copies);
        Assert.Equal(7, Run(copy));
        Assert.Equal(before, File.GetUnixFileMode(Program));
        Assert.All(new[] { Copies, Path.GetDirectoryName(copy)!, copy }, path => Assert.Equal(OwnerOnly, File.GetUnixFileMode(path)));
        Assert.Equal("stdio_bus", Path.GetFileName(copy));
    }

    [Fact(DisplayName = "The copy is made once, and another program gets another")]
    public void The_copy_is_made_once()
    {
        Write("exit 7");
        string first = PrivateCopy.Of(Program, Copies);
        DateTime made = File.GetLastWriteTimeUtc(first);
        Assert.Equal(first, PrivateCopy.Of(Program, Copies));
        Assert.Equal(made, File.GetLastWriteTimeUtc(first));
        Write("exit 8");
        string second = PrivateCopy.Of(Program, Copies);
        Assert.Equal((7, 8), (Run(first), Run(second)));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(second)!));
    }

    [Fact(DisplayName = "A copy that was changed is made anew, and a folder that others could write to is closed to them")]
    public void A_changed_copy_is_made_anew()
    {
        Write("exit 7");
        string copy = PrivateCopy.Of(Program, Copies);
        File.WriteAllText(copy, "#!/bin/sh\nexit 1\n");
        File.SetUnixFileMode(Copies, OwnerOnly | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        Assert.Equal(copy, PrivateCopy.Of(Program, Copies));
        Assert.Equal(7, Run(copy));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Copies));
    }

    [Fact(DisplayName = "Several that make it at once all get it whole")]
    public void Several_make_it_at_once()
    {
        Write($"exit 7\n# {new string('x', 200_000)}");
        string[] copies = new string[8];
        Parallel.For(0, copies.Length, i => copies[i] = PrivateCopy.Of(Program, Copies));
        Assert.Equal(7, Run(Assert.Single(copies.Distinct())));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(copies[0])!));
    }

    [Fact(DisplayName = "Where no copy can be made, the error says what to do")]
    public void No_copy_can_be_made()
    {
        Write("exit 7");
        File.WriteAllText(Path.Combine(_folder, "cache"), "in the way");
        string message = Assert.Throws<BusUnavailableException>(() => PrivateCopy.Of(Program, Copies)).Message;
        Assert.StartsWith($"The daemon '{Program}' is not executable and cannot be made so, nor can a copy be made in '{Copies}': ", message, StringComparison.Ordinal);
        Assert.EndsWith("'chmod a+x' on the daemon, by its owner, helps.", message, StringComparison.Ordinal);
    }

    private static int Run(string program)
    {
        using Process process = Process.Start(program);
        process.WaitForExit();
        return process.ExitCode;
    }

    private UnixFileMode Write(string lines)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Program)!);
        File.WriteAllText(Program, $"#!/bin/sh\n{lines}\n");
        File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        return File.GetUnixFileMode(Program);
    }
}
