using System.Diagnostics;
using StdioBus.Module.Tests.Engine;
using StdioBus.Tests.Support;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class LifetimeTests
{
    private static int Pid(TestRunspace runspace) => (int)runspace.RunOne("(Get-BusWorker -Bus $bus).ProcessId")!;

    [Fact]
    [Trait("Covers", "A35")]
    public void Removing_the_module_removes_the_buses_of_that_runspace_and_no_others()
    {
        using var one = new TestRunspace();
        using var two = new TestRunspace();
        one.Run("$bus = Start-Kit");
        two.Run("$bus = Start-Kit");
        int mine = Pid(one), theirs = Pid(two);
        using RunningScript stream = two.Start("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly -Bus $bus");
        Assert.Equal("a", stream.Next().BaseObject);

        one.Run("Remove-Module StdioBus");
        Assert.False(OtherProcess.Exists(mine));
        Assert.True(OtherProcess.Exists(theirs));

        one.Run($"Import-Module {ProductFolder.Manifest}; Import-Module {ProductFolder.Manifest} -Force; Import-Module {ProductFolder.Manifest} -Force");
        one.Run("1..2 | ForEach-Object { Send-BusNotification step }");
        Assert.Equal(["b"], stream.Finish().Select(item => item.BaseObject));
        two.Run("Remove-StdioBus $bus");
        Assert.False(OtherProcess.Exists(theirs));
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void Importing_again_by_force_removes_what_was_made_before()
    {
        using var runspace = new TestRunspace();
        runspace.Run("$bus = Start-Kit");
        int pid = Pid(runspace);
        runspace.Run($"Import-Module {ProductFolder.Manifest} -Force");
        Assert.False(OtherProcess.Exists(pid));
        runspace.Run("$bus = Start-Kit; $null = Invoke-BusRequest echo @{}");
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void Removed_and_imported_twice_the_module_works_as_the_first_time()
    {
        using var runspace = new TestRunspace();
        for (int i = 0; i < 2; i++)
        {
            runspace.Run("$bus = Start-Kit; $null = Register-BusHandler q { 'answer' }; $null = Register-BusSubscription tick -Action { }");
            int pid = Pid(runspace);
            Assert.Equal("answer", runspace.RunOne("(Invoke-BusRequest ask @{ method = 'q' }).result"));
            runspace.Run(i == 0 ? $"Remove-Module StdioBus; Import-Module {ProductFolder.Manifest}" : $"Import-Module {ProductFolder.Manifest} -Force");
            Assert.False(OtherProcess.Exists(pid));
            Assert.Empty(runspace.Runspace.Events.Subscribers);
            runspace.RunWithErrors("Get-BusWorker").OnlyError("BusNoneOpen");
        }

        runspace.Run("$bus = Start-Kit; $null = Invoke-BusRequest echo @{}");
    }

    [Fact]
    [Trait("Covers", "A35")]
    public void On_a_shared_bus_removing_the_module_ends_the_streams_of_others_only_where_the_bus_was_made()
    {
        using var maker = new TestRunspace();
        using var guest = new TestRunspace();
        object bus = maker.RunOne("$bus = Start-Kit; $bus")!;
        guest.Run("", ("bus", bus));
        using (RunningScript stream = maker.Start("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly"))
        {
            Assert.Equal("a", stream.Next().BaseObject);
            guest.Run($"Remove-Module StdioBus; Import-Module {ProductFolder.Manifest}");
            guest.Run("1..2 | ForEach-Object { Send-BusNotification step -Bus $bus }");
            Assert.Equal(["b"], stream.Finish().Select(item => item.BaseObject));
        }

        using (RunningScript stream = guest.Start("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly -Bus $bus"))
        {
            Assert.Equal("a", stream.Next().BaseObject);
            maker.Run("Remove-Module StdioBus");
            Assert.Empty(stream.Finish());
            Assert.StartsWith("BusTransportError,", Assert.Single(stream.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        }

        Assert.Contains("removed", guest.RunWithErrors("Invoke-BusRequest echo -Bus $bus").OnlyError("BusInvalidState").ToString(), StringComparison.Ordinal);
        guest.Run($"{Kit}; $null = Invoke-BusRequest echo @{{}} -Bus $own; Remove-StdioBus $own");
        Assert.Empty(BusRegistry.Open);
    }

    // Without the function, for a runspace that imports the module later.
    private const string Kit = "$own = New-StdioBus kit $worker kit";

    [Fact]
    [Trait("Covers", "A35")]
    public void Two_runspaces_import_use_and_remove_the_module_at_once()
    {
        using var one = new TestRunspace(import: false);
        using var two = new TestRunspace(import: false);
        string script = $$"""
            foreach ($i in 1..3) {
                Import-Module {{ProductFolder.Manifest}}
                {{Kit}}
                (1..100 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -Bus $own).Count
                Remove-Module StdioBus
            }
            """;
        using RunningScript first = one.Start(script);
        using RunningScript second = two.Start(script);
        Assert.Equal([100, 100, 100], first.Finish().Select(item => item.BaseObject));
        Assert.Equal([100, 100, 100], second.Finish().Select(item => item.BaseObject));
        Assert.Empty(first.Errors.Concat(second.Errors));
        Assert.Empty(BusRegistry.Open);
    }

    [Fact]
    public void A_runspace_that_closes_leaves_its_buses_to_others()
    {
        Bus bus;
        using (PowerShellWithoutRemoval closing = new())
            bus = closing.MakeBus();

        using var other = new TestRunspace();
        Assert.Equal(1L, other.RunOne("(Invoke-BusRequest echo @{ a = 1 }).a"));
        other.Run("Remove-StdioBus");
        Assert.Equal(BusState.Stopped, bus.State);
    }

    [Fact]
    public void Removing_a_bus_is_done_when_its_workers_are_gone()
    {
        using var runspace = new TestRunspace();
        runspace.Run("$bus = Start-Kit kit 3");
        int[] pids = runspace.Run("Get-BusWorker | ForEach-Object ProcessId").Select(item => (int)item.BaseObject).ToArray();
        runspace.Run("$bus | Remove-StdioBus");
        Assert.DoesNotContain(true, pids.Select(OtherProcess.Exists));
        runspace.Run("$bus = Start-Kit kit 2");
        pids = runspace.Run("Get-BusWorker | ForEach-Object ProcessId").Select(item => (int)item.BaseObject).ToArray();
        runspace.Run("Remove-StdioBus $bus.Name -Force");
        Assert.DoesNotContain(true, pids.Select(OtherProcess.Exists));
    }

    [Fact]
    public async Task A_script_that_simply_ends_leaves_nothing_behind()
    {
        var start = new ProcessStartInfo(ShellProgram.Path) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"$bus = New-StdioBus kit '{WorkerProgram.Path}' kit -Instances 2; $null = Invoke-BusRequest echo @{{}}; Get-BusWorker | ForEach-Object {{ [string]$_.ProcessId }}");
        using Process process = Process.Start(start)!;
        Task<string> problems = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TestRunspace.Deadline, TestContext.Current.CancellationToken);
        Assert.True(process.WaitForExit(TestRunspace.Deadline));
        Assert.Equal("", await problems);
        int[] pids = output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray();
        Assert.Equal(2, pids.Length);
        Assert.DoesNotContain(true, pids.Select(OtherProcess.Exists));
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>A runspace that is closed as a host closes one: nobody removes the module first.</summary>
    private sealed class PowerShellWithoutRemoval : IDisposable
    {
        private readonly System.Management.Automation.PowerShell _shell = System.Management.Automation.PowerShell.Create(
            System.Management.Automation.Runspaces.InitialSessionState.CreateDefault2());

        public Bus MakeBus()
        {
            _shell.AddScript($"Import-Module {ProductFolder.Manifest}; New-StdioBus kit {WorkerProgram.Path} kit");
            return (Bus)Assert.Single(_shell.Invoke()).BaseObject;
        }

        public void Dispose() => _shell.Dispose();
    }
}
