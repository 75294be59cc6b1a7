using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace StdioBus.Shell.Tests;

/// <summary>A terminal of 80 columns: a program runs on <see cref="Path"/>, the test is the person in front of it.</summary>
internal sealed class PseudoTerminal : IDisposable
{
    private const int ReadWriteNoControl = 0x102; // O_RDWR | O_NOCTTY
    private const nuint SetWindowSize = 0x5414; // TIOCSWINSZ
    private const int LocalModesOffset = 12; // c_lflag, the fourth word of struct termios
    private const uint Echo = 8;
    private readonly FileStream _screen;
    private readonly StringBuilder _seen = new();
    private readonly byte[] _buffer = new byte[4096];

    public PseudoTerminal()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pseudoterminals of POSIX");
        var terminal = Checked(OpenTerminal(ReadWriteNoControl));
        Checked(GrantAccess(terminal));
        Checked(Unlock(terminal));
        var size = new WindowSize { Rows = 25, Columns = 80 };
        Checked(Control(terminal, SetWindowSize, ref size));
        var name = new byte[128];
        if (NameOf(terminal, name, (nuint)name.Length) != 0)
            throw new Win32Exception();
        Path = Encoding.UTF8.GetString(name, 0, Array.IndexOf(name, (byte)0));
        _screen = new FileStream(new SafeFileHandle(terminal, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0);
    }

    public string Path { get; }

    /// <summary>What the screen has shown so far.</summary>
    public string Seen => _seen.ToString();

    /// <summary>Reads until the text has been shown; fails when it has not been at the deadline.</summary>
    public async Task WaitForAsync(string text)
    {
        while (!Seen.Contains(text, StringComparison.Ordinal))
        {
            // A read of a terminal cannot be cancelled: it goes on in the background when the deadline has passed.
            var read = Task.Run(() => _screen.Read(_buffer), TestContext.Current.CancellationToken);
            if (await Task.WhenAny(read, Task.Delay(ShellProcess.Deadline, TestContext.Current.CancellationToken)) != read)
                Assert.Fail($"'{text}' was not shown. Shown was: {Seen}");
            _seen.Append(Encoding.UTF8.GetString(_buffer, 0, await read));
        }
    }

    /// <summary>Waits until what is typed is no longer shown.</summary>
    public async Task WaitForNoEchoAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(ShellProcess.Deadline);
        var settings = new byte[128];
        do
        {
            await Task.Delay(10, deadline.Token);
            Checked(GetSettings(_screen.SafeFileHandle, settings));
        }
        while ((BitConverter.ToUInt32(settings, LocalModesOffset) & Echo) != 0);
    }

    public void Type(string text) => _screen.Write(Encoding.UTF8.GetBytes(text));

    public void Dispose() => _screen.Dispose();

    private static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [DllImport("libc", EntryPoint = "posix_openpt", SetLastError = true)]
    private static extern int OpenTerminal(int flags);

    [DllImport("libc", EntryPoint = "grantpt", SetLastError = true)]
    private static extern int GrantAccess(int terminal);

    [DllImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static extern int Unlock(int terminal);

    [DllImport("libc", EntryPoint = "ptsname_r", SetLastError = true)]
    private static extern int NameOf(int terminal, byte[] name, nuint size);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int terminal, nuint request, ref WindowSize size);

    [DllImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static extern int GetSettings(SafeFileHandle terminal, byte[] settings);

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }
}
