using System.Diagnostics;
using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>Workers of another machine, which is this one, behind ssh.</summary>
public sealed class SshTests : IDisposable
{
    private readonly SshServer _server = SshServer.Start();
    private readonly TestRunspace _runspace = new();

    public SshTests() => _runspace.Run(
        "function Start-Far([int] $Instances, [string[]] $Option = @(), [string] $Mode) { New-StdioBus far ssh (@('-T', '-o', 'BatchMode=yes', '-F', $config) + $Option + $name + \"'$worker' $Mode\") -Instances $Instances }",
        ("config", _server.ClientConfig), ("name", SshServer.Host));

    public void Dispose()
    {
        _runspace.Dispose();
        _server.Dispose();
    }

    private int Far(string session = "a") => (int)(long)_runspace.RunOne($"(Invoke-BusRequest pid -SessionId {session}).pid")!;

    private int Near(int worker = 0) => (int)_runspace.RunOne($"(Get-BusWorker -Id {worker}).ProcessId")!;

    private static void Ends(int process) => Assert.True(
        SpinWait.SpinUntil(() => !File.Exists($"/proc/{process}/stat") || File.ReadAllText($"/proc/{process}/stat").Contains(") Z", StringComparison.Ordinal), TestRunspace.Deadline), $"process {process} is still there");

    [Fact(DisplayName = "Workers behind ssh answer, and a stop leaves no process on either side")]
    public void Workers_behind_ssh_answer_and_end()
    {
        _runspace.Run("$bus = Start-Far 2");
        int[] far = [Far("a"), Far("b")], near = [Near(0), Near(1)];
        Assert.Equal(4, far.Concat(near).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, 200).Select(n => (long)n), _runspace.Run("1..200 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -Ordered | ForEach-Object n").Select(item => (long)item.BaseObject));
        Assert.Equal("é 🎈", _runspace.RunOne("(Invoke-BusRequest echo @{ text = 'é 🎈' }).text"));
        Assert.Equal(1_000_000, _runspace.RunOne("(Invoke-BusRequest echo @{ text = 'x' * 1000000 }).text.Length"));
        _runspace.Run("$null = Invoke-BusRequest stderr @{ lines = @('far away') }");
        var bus = (Bus)_runspace.RunOne("$bus")!;
        Assert.True(SpinWait.SpinUntil(() => bus.GetLog().Any(line => line.Text == "far away" && line.WorkerId is not null), TestRunspace.Deadline));
        Assert.All(far.Concat(near), process => Assert.True(Directory.Exists($"/proc/{process}")));
        _runspace.Run("Remove-StdioBus $bus");
        Assert.All(near, process => Assert.False(Directory.Exists($"/proc/{process}")));
        Assert.All(far, Ends);
    }

    [Theory(DisplayName = "A worker that dies behind ssh fails its request at once, with what ssh tells of it, and is started again")]
    [InlineData("exit @{ code = 3; stderr = 'disk full' }", "exited with code 3", "disk full")]
    [InlineData("kill @{ signal = 9 }", "exited with code 255", "")]
    public void A_worker_that_dies_there_is_started_again(string end, string how, string stderr)
    {
        _runspace.Run("$bus = Start-Far 1");
        int far = Far();
        ErrorRecord error = _runspace.RunWithErrors($"Invoke-BusRequest {end}").OnlyError("BusWorkerExited");
        Assert.Contains(how, error.ToString(), StringComparison.Ordinal);
        Assert.Contains(stderr, ((StdioBusException)error.Exception).Details?.ToString() ?? "", StringComparison.Ordinal);
        Assert.NotEqual(far, Far());
        Assert.Equal(1L, _runspace.RunOne("[long](Get-BusWorker).Restarts"));
        Ends(far);
    }

    [Theory(DisplayName = "A connection that is lost fails its request at once, its worker there ends, and another is made")]
    [InlineData("ssh")]
    [InlineData("sshd")]
    public void A_connection_that_is_lost_is_made_again(string lost)
    {
        _runspace.Run("$bus = Start-Far 1");
        int far = Far(), near = Near();
        using RunningScript held = _runspace.Start("Invoke-BusRequest hold @{ key = 'k' } -Timeout 0");
        var bus = (Bus)BusRegistry.Open.Single();
        Assert.True(SpinWait.SpinUntil(() => bus.KernelPendingCount == 1, TestRunspace.Deadline));
        using (Process victim = Process.GetProcessById(lost == "ssh" ? near : ServerOf(far)))
            victim.Kill();

        held.Finish();
        ErrorRecord error = Assert.Single(held.Errors);
        Assert.StartsWith("BusWorkerExited,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(lost == "ssh" ? "SIGKILL" : "exited with code 255", error.ToString(), StringComparison.Ordinal);
        Assert.NotEqual(far, Far());
        Assert.NotEqual(near, Near());
        Ends(far);
    }

    [Fact(DisplayName = "What ssh says when it is not let in stands in the error")]
    public void Ssh_that_is_not_let_in_says_why()
    {
        _runspace.Run("$bus = Start-Far 1 -Option '-o', 'UserKnownHostsFile=/dev/null'");
        ErrorRecord error = _runspace.RunWithErrors("Invoke-BusRequest echo").Errors.Single();
        Assert.Contains("Host key verification failed", $"{error} {((StdioBusException)error.Exception).Details}", StringComparison.Ordinal);
    }

    [Fact(DisplayName = "docs/examples/ssh.ps1 runs as written")]
    [Trait("Covers", "A24")]
    public void The_example_runs()
    {
        string examples = Path.Combine(ProductFolder.Root, "docs", "examples");
        string[] shown = [.. _runspace.Run(
            "& $script -Destination $name -RemoteCommand \"dotnet '$agent'\" -SshConfig $config",
            ("script", Path.Combine(examples, "ssh.ps1")), ("agent", Path.Combine(examples, "workers", "DemoAgent", "bin", "DemoAgent.dll"))).Select(item => item.ToString())];
        Assert.Contains("   The squares from 1 to 100 add up to 338350.", shown);
        Assert.Contains(shown, line => line.StartsWith("   The request 'sleep' failed: worker", StringComparison.Ordinal) && line.Contains("SIGKILL", StringComparison.Ordinal));
        Assert.Contains("   12 squared is still 144.", shown);
        Assert.Equal("   2 connections were made first, 0 are left.", shown[^1]);
    }

    [Fact(DisplayName = "The commands for ssh in about_StdioBus_Scaling run as written, but for the names of the machine and the file")]
    [Trait("Covers", "A24")]
    public void The_topic_runs()
    {
        string topic = File.ReadAllText(Path.Combine(ProductFolder.Root, "docs", "en-US", "about_StdioBus_Scaling.md"));
        string commands = topic.Split("```ps1\n")[1].Split("```")[0];
        Assert.Contains("-Command ssh", commands, StringComparison.Ordinal);
        commands = commands.Replace("'me@build'", "'-F' + $config + $name", StringComparison.Ordinal).Replace("'dotnet /opt/agents/DemoAgent.dll'", "\"dotnet '$agent'\"", StringComparison.Ordinal);
        Assert.Equal(144L, _runspace.RunOne($"$answer = & {{ {commands} }}; $answer.square", ("agent", Path.Combine(ProductFolder.Root, "docs", "examples", "workers", "DemoAgent", "bin", "DemoAgent.dll"))));
    }

    // There may be a shell between them.
    private static int ServerOf(int process)
    {
        while (File.ReadAllText($"/proc/{process}/comm") != "sshd\n")
            process = Parent(process);
        return process;
    }

    private static int Parent(int process) => int.Parse(
        File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..], System.Globalization.CultureInfo.InvariantCulture);
}
