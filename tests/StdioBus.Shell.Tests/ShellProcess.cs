using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace StdioBus.Shell.Tests;

/// <summary>What a finished shell left: its exit code and all it wrote, with lines that end as in the tests.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>
/// The built shell as a process of its own. Whatever a test waits for has a generous deadline that fails the test;
/// a shell that is still there at the end of a test is killed with all it started.
/// </summary>
internal sealed class ShellProcess : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly Process _process;
    private readonly Task<string> _error;
    private bool _outputClosed;

    private ShellProcess(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _process.StandardInput.NewLine = "\n";
        _error = _process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public int Id => _process.Id;

    public static ShellProcess Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string? folder = null) =>
        Start(Repository.Shell, arguments, environment, folder);

    private static ShellProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment, string? folder)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var isDll = Path.GetExtension(program) == ".dll";
        var start = new ProcessStartInfo(isDll ? "dotnet" : program, isDll ? [program, .. arguments] : arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
            WorkingDirectory = folder ?? AppContext.BaseDirectory,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        return new ShellProcess(start);
    }

    /// <summary>Starts the shell with <c>-c</c>.</summary>
    public static ShellProcess Command(string command, params string[] arguments) => Start(["-c", command, .. arguments]);

    /// <summary>Runs the shell to its end, without input.</summary>
    public static Task<ShellResult> RunAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string? folder = null) =>
        RunAsync(Repository.Shell, arguments, environment, folder);

    /// <summary>Runs another copy of the shell to its end, without input.</summary>
    public static async Task<ShellResult> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment, string? folder)
    {
        await using var shell = Start(program, arguments, environment, folder);
        shell.CloseInput();
        return await shell.EndAsync();
    }

    /// <summary>Runs one command to its end, without input.</summary>
    public static Task<ShellResult> RunCommandAsync(string command, params string[] arguments) => RunAsync(["-c", command, .. arguments]);

    /// <summary>The script with the command line interpreter of this system in place of <c>/bin/sh -c</c>.</summary>
    public static string WithSystemsInterpreter(string script) =>
        OperatingSystem.IsWindows() ? script.Replace("/bin/sh -c", "& $env:ComSpec /c", StringComparison.Ordinal) : script;

    /// <summary>Starts a line of sh in which <c>$0</c> is the shell's dll: for redirections that .NET cannot set up.</summary>
    public static ShellProcess ThroughSh(string line)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no sh");
        return new(new ProcessStartInfo("/bin/sh", ["-c", line, Repository.Shell])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
    }

    /// <summary>Runs such a line to its end, without input.</summary>
    public static async Task<ShellResult> RunThroughShAsync(string line)
    {
        await using var sh = ThroughSh(line);
        sh.CloseInput();
        return await sh.EndAsync();
    }

    /// <summary>The next line of stdout; null at its end.</summary>
    public async Task<string?> ReadLineAsync()
    {
        using var deadline = WithDeadline();
        return await _process.StandardOutput.ReadLineAsync(deadline.Token);
    }

    /// <summary>The next characters of stdout.</summary>
    public async Task<string> ReadCharactersAsync(int count)
    {
        using var deadline = WithDeadline();
        var characters = new char[count];
        var read = await _process.StandardOutput.ReadBlockAsync(characters.AsMemory(), deadline.Token);
        return new string(characters, 0, read);
    }

    public async Task WriteLineAsync(string text)
    {
        await _process.StandardInput.WriteLineAsync(text);
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Closes our end of the pipe that the shell writes its output to.</summary>
    public void CloseOutput()
    {
        _outputClosed = true;
        _process.StandardOutput.Close();
    }

    /// <summary>Ends it as the system ends a process, at once.</summary>
    public void Kill() => _process.Kill();

    public void Signal(PosixSignalNumber signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals");
        if (SendSignal(Id, (int)signal) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits for the end. The output is what had not been read before.</summary>
    public async Task<ShellResult> EndAsync()
    {
        using var deadline = WithDeadline();
        var output = _outputClosed ? "" : await _process.StandardOutput.ReadToEndAsync(deadline.Token);
        await _process.WaitForExitAsync(deadline.Token);
        return new ShellResult(_process.ExitCode, Lines(output), Lines(await _error.WaitAsync(deadline.Token)));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static string Lines(string text) => OperatingSystem.IsWindows() ? text.Replace("\r\n", "\n", StringComparison.Ordinal) : text;

    private static CancellationTokenSource WithDeadline()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(Deadline);
        return source;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);
}

internal enum PosixSignalNumber
{
    Hangup = 1,
    Interrupt = 2,
    Terminate = 15,
}
