using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace StdioBus.Module.Tests.Engine;

/// <summary>
/// A server of OpenSSH on this machine alone, with keys of its own, that lets this user in. Its client's configuration knows
/// it as <see cref="Host"/>. It is ended, and its files removed, with this.
/// </summary>
internal sealed class SshServer : IDisposable
{
    /// <summary>What ssh calls it.</summary>
    public const string Host = "worker-host";

    /// <summary>With it set, a machine without sshd fails the test where it would skip it.</summary>
    private const string RequireVariable = "STDIOBUS_REQUIRE_SSH";
    private const string Program = "/usr/sbin/sshd";
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-ssh-").FullName;
    private readonly Process _process;

    private SshServer()
    {
        foreach (string key in new[] { "host", "user" })
            Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path(key));
        File.Copy(Path("user.pub"), Path("authorized"));
        _process = Listen(out int port);
        File.WriteAllText(Path("known"), $"[127.0.0.1]:{port} {File.ReadAllText(Path("host.pub"))}");
        File.WriteAllText(ClientConfig, $"""
            Host {Host}
                HostName 127.0.0.1
                Port {port}
                IdentityFile {Path("user")}
                IdentitiesOnly yes
                UserKnownHostsFile {Path("known")}
                StrictHostKeyChecking yes

            """);
    }

    /// <summary>The file for ssh -F.</summary>
    public string ClientConfig => Path("client");

    /// <summary>Starts one; skips the test where that is not possible.</summary>
    public static SshServer Start()
    {
        string? missing = !File.Exists(Program) ? $"{Program} is not installed" : !File.Exists("/usr/bin/ssh") ? "ssh is not installed" : null;
        if (missing is not null)
        {
            Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RequireVariable)), $"{RequireVariable} is set, but {missing}.");
            Assert.Skip(missing);
        }

        return new SshServer();
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Path(string name) => System.IO.Path.Combine(_folder, name);

    // sshd cannot be told to choose a port, and somebody may take the one that was free a moment before.
    private Process Listen(out int port)
    {
        // It wants this folder when it runs as root, and its package makes it at the start of the service only.
        if (Environment.IsPrivilegedProcess)
            Directory.CreateDirectory("/run/sshd");
        for (int attempt = 1; ; attempt++)
        {
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                port = ((IPEndPoint)probe.LocalEndpoint).Port;
            }

            File.WriteAllText(Path("server"), $"""
                ListenAddress 127.0.0.1
                Port {port}
                HostKey {Path("host")}
                AuthorizedKeysFile {Path("authorized")}
                PasswordAuthentication no
                KbdInteractiveAuthentication no
                PermitRootLogin prohibit-password
                PidFile none
                StrictModes no
                UsePAM no

                """);
            Process process = Process.Start(new ProcessStartInfo(Program, ["-D", "-e", "-f", Path("server")]) { RedirectStandardError = true })!;
            var said = new List<string>();
            while (process.StandardError.ReadLine() is { } line)
            {
                said.Add(line);
                if (!line.StartsWith("Server listening on", StringComparison.Ordinal))
                    continue;

                // The rest is read, so that it can go on writing.
                _ = process.StandardError.ReadToEndAsync();
                return process;
            }

            process.WaitForExit();
            process.Dispose();
            Assert.True(attempt < 5 && said.Any(line => line.Contains("Address already in use", StringComparison.Ordinal)), $"sshd did not start: {string.Join('\n', said)}");
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {said}");
    }
}
