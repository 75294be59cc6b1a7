using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Help;

[Trait("Covers", "A37")]
public sealed class AboutTests
{
    private static readonly Regex Block = new(@"^```(?<language>\w+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);

    private const string WorkerInPowerShell = "function Send-Message";

    public static TheoryData<string> Topics => [.. Directory.GetFiles(HelpPage.Folder, "about_*.md").Select(path => Path.GetFileNameWithoutExtension(path))];

    [Theory(DisplayName = "Get-Help finds a topic, with its short description and without marks of its source")]
    [MemberData(nameof(Topics))]
    public void Found(string topic)
    {
        using var runspace = new TestRunspace();
        string source = Read(topic);
        string shortDescription = Regex.Match(source, @"^## Short description\n\n(?<text>.+)$", RegexOptions.Multiline).Groups["text"].Value;

        Assert.Equal(shortDescription, runspace.RunOne($"(Get-Help {topic}).Synopsis.Trim()"));
        string text = Assert.IsType<string>(runspace.RunOne($"Get-Help {topic}"));
        Assert.StartsWith($"TOPIC\n    {topic}\n\nSHORT DESCRIPTION\n    ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("```", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\n## ", text, StringComparison.Ordinal);
        foreach (string line in source.Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#') && !line.StartsWith("```", StringComparison.Ordinal)))
            Assert.Contains(line, text, StringComparison.Ordinal);
    }

    /// <summary>Those whose commands find here what they need.</summary>
    public static TheoryData<string> RunnableTopics =>
        [.. Topics.Select(row => row.Data).Where(topic => Socket.OSSupportsUnixDomainSockets || !Read(topic).Contains("-UnixPath", StringComparison.Ordinal))];

    [Theory(DisplayName = "The commands of a topic run as written")]
    [MemberData(nameof(RunnableTopics))]
    [Trait("Covers", "A24")]
    public void Commands(string topic)
    {
        using var folder = new ExampleFolder();
        foreach (string code in Blocks(topic, "powershell").Select(block => block.Groups["code"].Value).Where(code => !code.StartsWith(WorkerInPowerShell, StringComparison.Ordinal)))
        {
            using var runspace = new TestRunspace();
            runspace.Runspace.SessionStateProxy.Path.SetLocation(folder.Path);
            runspace.Run(code);
        }
    }

    [Fact(DisplayName = "No other block is left out than the worker in PowerShell, which the Pester suite runs, and those of other programs")]
    public void Left()
    {
        string[] left = [.. Topics.SelectMany(row => Blocks(row.Data, "powershell")).Select(block => block.Groups["code"].Value).Where(code => !code.Contains("New-StdioBus", StringComparison.Ordinal))];
        Assert.StartsWith(WorkerInPowerShell, Assert.Single(left), StringComparison.Ordinal);
        Assert.Equal(
            ["ssh", "docker"],
            Topics.SelectMany(row => Blocks(row.Data, "ps1")).Select(block => Regex.Match(block.Groups["code"].Value, @"-Command (\w+)").Groups[1].Value));
    }

    /// <summary>
    /// Stand-ins are told what the real programs would be; with ssh and container engines themselves SshTests and the tests of
    /// the core deal.
    /// </summary>
    [Theory(DisplayName = "The commands of a topic for programs elsewhere run as written, with these in the place of ssh and docker")]
    [InlineData("ssh", "-T -o BatchMode=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3 me@build dotnet /opt/agents/DemoAgent.dll")]
    [InlineData("docker", "run -i --rm --init example/agent")]
    [Trait("Covers", "A24")]
    public async Task CommandsElsewhere(string program, string told)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using var folder = new ExampleFolder();
        string code = Assert.Single(Blocks("about_StdioBus_Scaling", "ps1"), block => block.Groups["code"].Value.Contains($"-Command {program} ", StringComparison.Ordinal)).Groups["code"].Value;
        string standIn = Path.Combine(folder.Path, program);
        await File.WriteAllTextAsync(standIn, $"#!/bin/sh\n[ \"$*\" = '{told}' ] && exec dotnet {folder.Path}/DemoAgent.dll\necho \"told $*\" >&2; exit 1\n", stop);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(standIn, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string script = Path.Combine(folder.Path, "script.ps1");
        // The block of docker ends with a bus that waits for its first request.
        await File.WriteAllTextAsync(script, "$ErrorActionPreference = 'Stop'\n" + code + (code.Contains("Invoke-BusRequest", StringComparison.Ordinal) ? "" : "Invoke-BusRequest square @{ n = 12 }"), stop);
        var start = new ProcessStartInfo(ShellProgram.Path, [script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}";
        using Process shell = Process.Start(start)!;
        try
        {
            Task<string> problems = shell.StandardError.ReadToEndAsync(stop);
            string output = await shell.StandardOutput.ReadToEndAsync(stop).WaitAsync(TestRunspace.Deadline, stop);
            Assert.Equal("", await problems);
            Assert.Matches(@"(?m)^ *12 +144\s*$", output);
            Assert.True(shell.WaitForExit(TestRunspace.Deadline));
            Assert.Equal(0, shell.ExitCode);
        }
        finally
        {
            if (!shell.HasExited)
                shell.Kill(entireProcessTree: true);
        }
    }

    [Theory(DisplayName = "A worker of about_StdioBus_Workers answers, streams, and refuses what it does not know")]
    [InlineData("python", "worker.py", "python3", "./worker.py")]
    [InlineData("javascript", "worker.mjs", "node", "./worker.mjs")]
    [InlineData("csharp", "worker.cs", "dotnet", "run, ./worker.cs")]
    [Trait("Covers", "A24")]
    public void Worker(string language, string file, string command, string arguments)
    {
        using var folder = new ExampleFolder();
        using var runspace = new TestRunspace();
        runspace.Runspace.SessionStateProxy.Path.SetLocation(folder.Path);
        if (runspace.RunOne("$null -ne (Get-Command $name -CommandType Application -ErrorAction Ignore)", ("name", command)) is false)
            Assert.Skip($"{command} is not installed.");
        Match program = Assert.Single(Blocks("about_StdioBus_Workers", language));
        File.WriteAllText(Path.Combine(folder.Path, file), program.Groups["code"].Value);
        string start = $"New-StdioBus -Pool mine -Command {command} -ArgumentList {arguments}";
        Assert.Contains("Started with: " + start, Read("about_StdioBus_Workers"), StringComparison.Ordinal);

        // A program that is compiled first takes its time.
        runspace.Run($"$bus = {start} -Timeout 50");
        Assert.Equal("hé 🎈", runspace.RunOne("(Invoke-BusRequest echo @{ message = 'hé 🎈' }).message"));
        Assert.Equal(
            ["once ", "upon ", "a ", "time"],
            runspace.Run("Invoke-BusStream story @{ sessionId = 's1' } -TextOnly -IdleTimeout 50").Select(text => text.ToString()));
        Assert.Equal(-32601, runspace.RunOne("try { Invoke-BusRequest unknown -ErrorAction Stop } catch { [int]$_.Exception.RpcCode }"));
        runspace.Run("Send-BusNotification unknown; Remove-StdioBus $bus");
    }

    [Fact(DisplayName = "The daemon of about_StdioBus_Scaling serves other processes")]
    [Trait("Covers", "A24")]
    public void Daemon()
    {
        using var folder = new ExampleFolder();
        using var runspace = new TestRunspace();
        runspace.Runspace.SessionStateProxy.Path.SetLocation(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "bus.json"), Assert.Single(Blocks("about_StdioBus_Scaling", "json")).Groups["code"].Value);
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec " + Assert.Single(Blocks("about_StdioBus_Scaling", "sh")).Groups["code"].Value])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{Path.GetDirectoryName(ProductFolder.Manifest)}/linux-x64:{Environment.GetEnvironmentVariable("PATH")}";
        using Process daemon = Process.Start(start)!;
        try
        {
            while (daemon.StandardError.ReadLine() is { } line && !line.Contains("ready:", StringComparison.Ordinal))
            {
            }

            Assert.Equal(144L, runspace.RunOne("$bus = New-StdioBus demo dotnet -Instances 4 -Backend Socket -SocketOption @{ UnixPath = './bus.sock' }; (Invoke-BusRequest square @{ n = 12 }).square"));
            runspace.Run("Remove-StdioBus $bus; & /bin/kill $id", ("id", daemon.Id));
            _ = daemon.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.True(daemon.WaitForExit(TestRunspace.Deadline));
            Assert.Equal(0, daemon.ExitCode);
        }
        finally
        {
            if (!daemon.HasExited)
                daemon.Kill(entireProcessTree: true);
        }
    }

    private static string Read(string topic) => File.ReadAllText(Path.Combine(HelpPage.Folder, topic + ".md"));

    private static IEnumerable<Match> Blocks(string topic, string language) =>
        Block.Matches(Read(topic)).Where(block => block.Groups["language"].Value == language);
}
