using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class JobTests : IDisposable
{
    private readonly TestRunspace _runspace = new();

    public JobTests() => _runspace.Run("$bus = Start-Kit -With @{ Dialect = 'JsonRpcCancel' }");

    public void Dispose() => _runspace.Dispose();

    private Job JobOf(string command) => Assert.IsType<Job>(_runspace.RunOne($"$job = {command}; $job"), exactMatch: false);

    private static void AwaitOutput(Job job)
    {
        using var first = new ManualResetEventSlim();
        EventHandler<DataAddedEventArgs> hear = (_, _) => first.Set();
        job.Output.DataAdded += hear;
        Assert.True(job.Output.Count > 0 || first.Wait(TestRunspace.Deadline, TestContext.Current.CancellationToken), "no output within the deadline");
        job.Output.DataAdded -= hear;
    }

    [Fact(DisplayName = "A job warns of what its worker writes that is no message")]
    public void StrayLines()
    {
        _runspace.Run("$talk = New-StdioBus talk $worker garbage");
        Job job = JobOf("Invoke-BusRequest echo @{ a = 1 } -Bus $talk -AsJob");
        _runspace.Run("$null = $job | Wait-Job");
        Assert.Single(job.Warning);
        ScriptRun run = _runspace.RunWithErrors("$job | Receive-Job");
        Assert.Single(run.Output);
        Assert.Contains("'Welcome to the worker!'", Assert.Single(run.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A job has the result of its request, a name, a command and the bus as its location")]
    public void Result()
    {
        Job job = JobOf("Invoke-BusRequest echo @{ a = 1 } -AsJob -JobName one");

        Assert.Equal(1L, _runspace.RunOne("($job | Receive-Job -Wait).a"));

        Assert.Equal(JobState.Completed, job.JobStateInfo.State);
        Assert.Equal("one", job.Name);
        Assert.Equal("BusJob", job.PSJobTypeName);
        Assert.Equal("Invoke-BusRequest echo", job.Command);
        Assert.Equal(_runspace.RunOne("$bus.Name"), job.Location);
        Assert.Equal("1 of 1 done", job.StatusMessage);
        Assert.False(job.HasMoreData);
        Assert.Equal("one", _runspace.RunOne("(Get-Job -Name one).Name"));
        _runspace.Run("Remove-Job $job");
        Assert.Empty(_runspace.Run("Get-Job"));
    }

    [Fact(DisplayName = "The command gives the job at once and the runspace is free while it runs")]
    public void Background()
    {
        Job job = JobOf("Invoke-BusRequest hold @{ n = 1 } -AsJob");

        Assert.Equal(JobState.Running, job.JobStateInfo.State);
        Assert.Empty(_runspace.Run("Wait-Job $job -Timeout 1"));
        _runspace.Run("$null = Invoke-BusRequest held @{ n = 1 }; $null = Invoke-BusRequest release");

        Assert.Equal("Completed", _runspace.RunOne("[string](Wait-Job $job).State"));
        Assert.Equal(1L, _runspace.RunOne("(Receive-Job $job -Keep).n"));
        Assert.Equal(1L, _runspace.RunOne("(Receive-Job $job).n"));
        Assert.Empty(_runspace.Run("Receive-Job $job"));
    }

    [Fact(DisplayName = "Receive-Job -AutoRemoveJob takes the job away when its results are received")]
    public void AutoRemove()
    {
        for (int i = 0; i < 20; i++)
            Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ a = 1 } -AsJob | Receive-Job -Wait -AutoRemoveJob).a"));

        Assert.Empty(_runspace.Run("Get-Job"));
    }

    [Fact(DisplayName = "A name alone makes a job")]
    public void Name() => Assert.Equal("only", JobOf("Invoke-BusRequest echo -JobName only").Name);

    [Fact(DisplayName = "A null result and an array are one object each, as without a job")]
    public void Objects()
    {
        Assert.Equal(3, _runspace.RunOne("$all = @(Invoke-BusRequest echo @(1, 2, 3) -AsJob | Receive-Job -Wait); $all[0].Count"));
        // Receive-Job leaves a null out, of whatever job; it is there all the same.
        Job job = JobOf("Invoke-BusRequest echo -AsJob | Wait-Job");
        Assert.Equal(JobState.Completed, job.JobStateInfo.State);
        Assert.Null(Assert.Single(job.Output));
        Assert.Equal(
            ["""{"n":1}""", """{"n":2}"""],
            _runspace.Run("1..2 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -AsJob -Ordered -Raw | Receive-Job -Wait").Select(item => item.BaseObject));
        Assert.IsType<System.Collections.Specialized.OrderedDictionary>(_runspace.RunOne("Invoke-BusRequest echo @{ n = 1 } -AsJob -AsHashtable | Receive-Job -Wait"));
    }

    [Fact(DisplayName = "Many inputs are one job with all results, and never more of them run than the throttle allows")]
    public void ManyInputs()
    {
        Job job = JobOf("1..5000 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -AsJob -ThrottleLimit 64");
        Assert.Equal(
            Enumerable.Range(1, 5000).Select(n => (long)n),
            _runspace.Run("Receive-Job $job -Wait").Select(item => (long)item.Properties["n"].Value).Order());
        Assert.Equal("5000 of 5000 done", job.StatusMessage);

        job = JobOf("1..6 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -AsJob -ThrottleLimit 3");
        Assert.Equal(3L, _runspace.RunOne("$null = Invoke-BusRequest held @{ n = 3 }; Invoke-BusRequest release"));
        Assert.Equal(3L, _runspace.RunOne("$null = Invoke-BusRequest held @{ n = 3 }; Invoke-BusRequest release"));
        Assert.Equal(6, _runspace.Run("Receive-Job $job -Wait").Count);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact(DisplayName = "With -Ordered the results are in the order of the inputs, whatever is ready first")]
    public void Order()
    {
        ScriptRun run = _runspace.RunWithErrors("1..30 | ForEach-Object { @{ n = $_; of = 10 } } | Invoke-BusRequest reverse -AsJob -Ordered -ThrottleLimit 10 | Receive-Job -Wait");
        Assert.Equal(Enumerable.Range(1, 30).Select(n => (long)n), run.Output.Select(item => (long)item.Properties["n"].Value));
        Assert.Empty(run.Errors);
    }

    [Fact(DisplayName = "No input is a job that has nothing to do")]
    public void Nothing()
    {
        Job job = JobOf("@() | Invoke-BusRequest echo -AsJob | Wait-Job");
        Assert.Equal(JobState.Completed, job.JobStateInfo.State);
        Assert.False(job.HasMoreData);
    }

    [Fact(DisplayName = "A failed input is an error of the job with the input as its target, and the job is completed")]
    public void FailedInput()
    {
        Job job = JobOf("& { @{ n = 1; bad = 2 }; @{ n = 2; bad = 2 }; 'no params'; @{ n = 4; bad = 2 } } | Invoke-BusRequest fail-on -AsJob -Ordered | Wait-Job");

        Assert.Equal(JobState.Completed, job.JobStateInfo.State);
        Assert.Equal("4 of 4 done, 2 failed", job.StatusMessage);
        Assert.Equal(
            ["BusRpcError,StdioBus.Module.Commands.InvokeBusRequestCommand", "BusInvalidParams,StdioBus.Module.Commands.InvokeBusRequestCommand"],
            job.Error.Select(error => error.FullyQualifiedErrorId));
        Assert.Equal("2", Assert.IsType<Hashtable>(((PSObject)job.Error[0].TargetObject).BaseObject)["n"]?.ToString());
        ScriptRun run = _runspace.RunWithErrors("Receive-Job $job");
        Assert.Equal([1L, 4L], run.Output.Select(item => item.Properties["n"].Value));
        Assert.Equal(2, run.NonTerminating.Count);
        Assert.Null(run.Terminating);
    }

    [Fact(DisplayName = "A job all of whose calls failed has failed, and says why once")]
    public void Failed()
    {
        Job job = JobOf("Invoke-BusRequest fail @{ code = -32050; message = 'no' } -AsJob | Wait-Job");
        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        _runspace.RunWithErrors("Receive-Job $job").OnlyError("BusRpcError");

        job = JobOf("1..3 | ForEach-Object { @{ code = -32050; message = 'no' } } | Invoke-BusRequest fail -AsJob | Wait-Job");
        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        Assert.Equal(3, _runspace.RunWithErrors("Receive-Job $job").NonTerminating.Count);

        job = JobOf("Invoke-BusRequest hold @{} -Timeout 0.1 -AsJob | Wait-Job");
        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        _runspace.RunWithErrors("Receive-Job $job").OnlyError("BusTimeout");
    }

    [Theory(DisplayName = "Parameters that cannot be used end the command at once, without a job")]
    [InlineData("Invoke-BusRequest -AsJob", "BusInvalidArgument")]
    [InlineData("Invoke-BusRequest echo 5 -AsJob", "BusInvalidParams")]
    [InlineData("Invoke-BusRequest echo -InputObject 5 -AsJob", "BusInvalidParams")]
    [InlineData("Invoke-BusRequest echo -Pool nowhere -AsJob", "BusPoolNotFound")]
    [InlineData("Invoke-BusStream stream @{} -Show -AsJob", "BusInvalidArgument")]
    [InlineData("Invoke-BusStream stream @{} -Show -JobName shown", "BusInvalidArgument")]
    public void Refused(string command, string id)
    {
        Assert.StartsWith(id + ",", _runspace.RunToError(command).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(_runspace.Run("Get-Job"));
    }

    [Fact(DisplayName = "Progress and verbose lines are kept in the streams of the job")]
    public void OtherStreams()
    {
        Job job = JobOf("Invoke-BusRequest progress @{ steps = 50 } -ReportProgress -AsJob | Wait-Job");
        Assert.Contains(job.Progress, record => record.StatusDescription.StartsWith("step ", StringComparison.Ordinal) && record.PercentComplete > 0);
        Assert.Equal(ProgressRecordType.Completed, job.Progress[^1].RecordType);
        Assert.True(job.HasMoreData);
        ScriptRun run = _runspace.RunWithErrors("$null = Receive-Job $job");
        Assert.Equal(ProgressRecordType.Completed, run.Progress[^1].RecordType);
        Assert.False(job.HasMoreData);

        job = JobOf("Invoke-BusRequest exit @{ code = 3; stderr = 'last words' } -AsJob -Verbose | Wait-Job");
        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        Assert.Contains(job.Verbose, record => record.Message.EndsWith("stderr: last words", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "The events of a stream are in its job as they arrive")]
    public void Stream()
    {
        Job job = JobOf("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -AsJob");
        AwaitOutput(job);

        Assert.Equal("a", _runspace.RunOne("(Receive-Job $job).Text"));
        Assert.Equal(JobState.Running, job.JobStateInfo.State);
        _runspace.Run("1..2 | ForEach-Object { Send-BusNotification step }");
        Assert.Equal(["Chunk", "Result"], _runspace.Run("Receive-Job $job -Wait | ForEach-Object { [string]$_.Type }").Select(item => item.BaseObject));
        Assert.Equal(JobState.Completed, job.JobStateInfo.State);
        Assert.Equal("a b", _runspace.RunOne("(Invoke-BusStream stream @{ chunks = 'a', 'b' } -TextOnly -AsJob | Receive-Job -Wait) -join ' '"));
    }

    [Fact(DisplayName = "A stream of more chunks than a call may have under way is whole in its job")]
    public void LongStream()
    {
        Assert.Equal(
            Enumerable.Range(1, 1000).Select(n => $"{n}"),
            _runspace.Run("Invoke-BusStream stream @{ chunks = @(1..1000 | ForEach-Object { \"$_\" }) } -TextOnly -AsJob | Receive-Job -Wait").Select(item => item.BaseObject));
    }

    [Theory(DisplayName = "Stop-Job tells the worker, ends with the job and leaves the bus usable")]
    [InlineData("Invoke-BusRequest hold @{} -Timeout Infinite -AsJob", 1)]
    [InlineData("1..20 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -ThrottleLimit 5 -AsJob", 5)]
    [InlineData("1..5 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -Ordered -Verbose -AsJob", 5)]
    public void Stop(string command, int held)
    {
        Job job = JobOf(command);
        _runspace.Run("$null = Invoke-BusRequest held @{ n = $n }", ("n", held));

        _runspace.Run("Stop-Job $job");

        Assert.Equal(JobState.Stopped, job.JobStateInfo.State);
        Assert.Empty(job.Error);
        _runspace.Run("$null = Invoke-BusRequest cancelled @{ n = $n }");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
        Assert.Equal(1L, _runspace.RunOne("(Invoke-BusRequest echo @{ ok = 1 }).ok"));
        _runspace.Run("Stop-Job $job; Remove-Job $job");
    }

    [Fact(DisplayName = "Stop-Job ends a stream, and what had come of it can still be received")]
    public void StopStream()
    {
        Job job = JobOf("Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly -AsJob");
        AwaitOutput(job);

        _runspace.Run("Stop-Job $job");

        Assert.Equal(JobState.Stopped, job.JobStateInfo.State);
        _runspace.Run("$null = Invoke-BusRequest cancelled @{ n = 1 }");
        Assert.Equal("a", _runspace.RunOne("Receive-Job $job"));
    }

    [Fact(DisplayName = "Remove-Job -Force ends a job that runs, and the worker hears of it")]
    public void RemoveByForce()
    {
        Job job = JobOf("Invoke-BusRequest hold @{} -AsJob");
        _runspace.Run("$null = Invoke-BusRequest held @{ n = 1 }");

        _runspace.Run("Remove-Job $job -Force");

        Assert.Equal(JobState.Stopped, job.JobStateInfo.State);
        Assert.Empty(_runspace.Run("Get-Job"));
        _runspace.Run("$null = Invoke-BusRequest cancelled @{ n = 1 }");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact(DisplayName = "Removing the module stops the jobs of that runspace, on whosever bus, and no others")]
    public void ModuleRemoval()
    {
        using var other = new TestRunspace();
        object? bus = _runspace.RunOne("$bus");
        var theirs = Assert.IsType<Job>(other.RunOne("Invoke-BusRequest hold @{} -Bus $bus -AsJob", ("bus", bus)), exactMatch: false);
        var mine = JobOf("Invoke-BusRequest hold @{} -AsJob");
        _runspace.Run("$null = Invoke-BusRequest held @{ n = 2 }");

        other.Run("Remove-Module StdioBus");

        Assert.Equal(JobState.Stopped, theirs.JobStateInfo.State);
        Assert.Equal(JobState.Running, mine.JobStateInfo.State);
        _runspace.Run("$null = Invoke-BusRequest cancelled @{ n = 1 }; Remove-Module StdioBus");
        Assert.Equal(JobState.Stopped, mine.JobStateInfo.State);
        Assert.Empty(mine.Error);
    }

    [Fact(DisplayName = "A runspace that closes ends its jobs, and the worker hears of it")]
    public void ClosedRunspace()
    {
        object? bus = _runspace.RunOne("$bus");
        Job job;
        using (Runspace closing = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2()))
        {
            closing.Open();
            using var shell = PowerShell.Create(closing);
            shell.AddScript($"param($bus) Import-Module {ProductFolder.Manifest}; Invoke-BusRequest hold @{{}} -Bus $bus -AsJob").AddArgument(bus);
            job = Assert.IsType<Job>(Assert.Single(shell.Invoke()).BaseObject, exactMatch: false);
            _runspace.Run("$null = Invoke-BusRequest held @{ n = 1 }");
        }

        _runspace.Run("$null = Invoke-BusRequest cancelled @{ n = 1 }");
        Assert.True(job.Finished.WaitOne(TestRunspace.Deadline));
        Assert.Equal(JobState.Stopped, job.JobStateInfo.State);
    }

    [Fact(DisplayName = "A bus that is removed under a job fails the job")]
    public void RemovedBus()
    {
        Job job = JobOf("Invoke-BusRequest hold @{} -AsJob");
        _runspace.Run("$null = Invoke-BusRequest held @{ n = 1 }; Remove-StdioBus $bus -Force; $null = Wait-Job $job");
        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        Assert.Single(job.Error);
    }

    [Fact(DisplayName = "What a handler on the streams of a job throws fails the job instead of hanging it")]
    public void BrokenHandler()
    {
        Job job = JobOf("1..2 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest hold -AsJob");
        job.Output.DataAdded += (_, _) => throw new InvalidOperationException("no room");

        _runspace.Run("$null = Invoke-BusRequest held @{ n = 2 }; $null = Invoke-BusRequest release; $null = Wait-Job $job");

        Assert.Equal(JobState.Failed, job.JobStateInfo.State);
        Assert.Equal("InvalidOperationException: no room", job.StatusMessage);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact(DisplayName = "A hundred jobs at once take no thread each")]
    public void Threads()
    {
        int before = System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        _runspace.Run("$jobs = 1..100 | ForEach-Object { Invoke-BusRequest hold @{} -AsJob }; $null = Invoke-BusRequest held @{ n = 100 }");
        Assert.InRange(System.Diagnostics.Process.GetCurrentProcess().Threads.Count, 1, before + 50);
        _runspace.Run("$jobs | Stop-Job; $jobs | Remove-Job");
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }
}
