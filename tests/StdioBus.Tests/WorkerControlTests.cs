using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Workers that are restarted and stopped one by one.</summary>
public sealed class WorkerControlTests
{
    private static BusWorker Worker(Bus bus, int id) => bus.GetWorkers()[id];

    [Theory(DisplayName = "A restart is done when the new process runs and the old one is gone; its requests have failed, the others go on")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restart_is_done_when_the_new_process_runs(bool force)
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("a"), TestWorkers.Pool("b"));
        (int first, int other) = (Worker(bus, 0).ProcessId, Worker(bus, 1).ProcessId);
        Task<JsonElement> lost = bus.RequestAsync("hold", new { key = "k" }, new() { Pool = "a" });
        Assert.Equal("{}", (await bus.RequestAsync("echo", new { }, new() { Pool = "a" }).Soon()).GetRawText());

        await bus.RestartWorkerAsync(0, force).Soon();

        Assert.False(OtherProcess.Exists(first));
        Assert.True((await Assert.ThrowsAsync<BusTransportException>(() => lost.Soon())).IsWorkerExit);
        BusWorker worker = Worker(bus, 0);
        Assert.Equal((WorkerState.Running, 1L), (worker.State, worker.Restarts));
        Assert.Equal(worker.ProcessId, (await bus.RequestAsync("pid", null, new() { Pool = "a" }).Soon()).GetProperty("pid").GetInt32());
        Assert.Equal((other, 0L), (Worker(bus, 1).ProcessId, Worker(bus, 1).Restarts));
    }

    [Fact(DisplayName = "A worker that is stopped stays so, and can be stopped again, until a restart brings it back")]
    public async Task A_stopped_worker_stays_stopped()
    {
        await using Bus bus = await TestWorkers.StartAsync(2);
        int process = Worker(bus, 1).ProcessId;
        await bus.StopWorkerAsync(1).Soon();
        Assert.False(OtherProcess.Exists(process));
        Assert.Equal((WorkerState.Stopped, 0), (Worker(bus, 1).State, Worker(bus, 1).ProcessId));
        await bus.StopWorkerAsync(1, force: true).Soon();

        int left = Worker(bus, 0).ProcessId;
        for (int i = 0; i < 3; i++)
            Assert.Equal(left, (await bus.RequestAsync("pid").Soon()).GetProperty("pid").GetInt32());

        await bus.RestartWorkerAsync(1).Soon();
        Assert.Equal((WorkerState.Running, 2), (Worker(bus, 1).State, bus.WorkerCount));
    }

    [Fact(DisplayName = "Without any worker left a pool's requests are Unavailable")]
    public async Task Without_a_worker_requests_are_unavailable()
    {
        await using Bus bus = await TestWorkers.StartAsync(1);
        await bus.StopWorkerAsync(0).Soon();
        await Assert.ThrowsAsync<BusUnavailableException>(() => bus.RequestAsync("echo").Soon());
    }

    [Fact(DisplayName = "A worker that ignores the end of its input and SIGTERM is ended by force within the grace, and at once when forced")]
    public async Task A_stubborn_worker_is_forced()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 2, "stubborn"));
        int[] processes = [.. bus.GetWorkers().Select(worker => worker.ProcessId)];
        Task slow = bus.StopWorkerAsync(0);
        await bus.StopWorkerAsync(1, force: true).Soon();
        Assert.False(OtherProcess.Exists(processes[1]));
        await slow.Soon();
        Assert.False(OtherProcess.Exists(processes[0]));
        (int? Code, int? Signal) killed = OperatingSystem.IsWindows() ? (1, null) : (null, 9);
        Assert.Equal([killed, killed], bus.GetWorkers().Select(worker => (worker.LastExitCode, worker.LastExitSignal)));
    }

    [Fact(DisplayName = "A worker that had failed gets a new chance; one that fails again says so to whoever waits")]
    public async Task A_failed_worker_gets_a_new_chance()
    {
        string flag = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        BusOptions options = TestWorkers.Options(TestWorkers.Pool("p", 1, "needs", flag));
        options.Limits = new BusLimits { MaxRestarts = 0 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        await Waiting.Until(() => Worker(bus, 0).State == WorkerState.Failed, "the worker has failed");
        await File.WriteAllTextAsync(flag, "", TestContext.Current.CancellationToken);
        try
        {
            await bus.RestartWorkerAsync(0).Soon();
            Assert.Equal("{}", (await bus.RequestAsync("echo", new { }).Soon()).GetRawText());
        }
        finally
        {
            File.Delete(flag);
        }
    }

    [Fact(DisplayName = "A restart whose program is gone meanwhile fails, and says that it does not start again")]
    public async Task A_restart_without_a_program_fails()
    {
        string link = Shim.Write(Path.GetTempPath(), Guid.NewGuid().ToString("N"), TestWorkers.Program);
        BusOptions options = TestWorkers.Options(new BusPool("p", link));
        options.Limits = new BusLimits { MaxRestarts = 0 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        File.Delete(link);
        var error = await Assert.ThrowsAsync<BusUnavailableException>(() => bus.RestartWorkerAsync(0).Soon());
        Assert.Equal(0, error.WorkerId);
    }

    [Fact(DisplayName = "What cannot be restarted or stopped is refused by name; the end of the bus ends the waiting")]
    public async Task What_cannot_be_restarted_is_refused()
    {
        Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 1, "stubborn"));
        Assert.Contains("no worker 7", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RestartWorkerAsync(7).Soon())).Message, StringComparison.Ordinal);
        Assert.Contains("no worker -1", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.StopWorkerAsync(-1).Soon())).Message, StringComparison.Ordinal);
        Task restart = bus.RestartWorkerAsync(0);
        Task stop = bus.StopWorkerAsync(0);
        await bus.KillAsync().Soon();
        await Assert.ThrowsAnyAsync<StdioBusException>(() => restart.Soon());
        await stop.Soon();
        await Assert.ThrowsAsync<BusInvalidStateException>(() => bus.RestartWorkerAsync(0).Soon());
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "A stop without a limit waits for a stubborn worker's requests as long as it takes, and a further stop shortens it")]
    public async Task A_stop_without_limit_can_be_shortened()
    {
        await using Bus bus = await TestWorkers.StartAsync(TestWorkers.Pool("p", 1, "ignore-eof"));
        Task endless = bus.StopAsync(Timeout.InfiniteTimeSpan);
        await bus.StopAsync(TimeSpan.FromSeconds(1)).Soon();
        await endless.Soon();
        Assert.Equal(BusState.Stopped, bus.State);
    }

    [Fact(DisplayName = "Waiting for the log ends with the next line, with the bus, or with its token")]
    public async Task Waiting_for_the_log_ends_with_a_line()
    {
        await using Bus bus = await TestWorkers.StartAsync(1);
        Assert.True(await bus.WaitForLogAsync(0).Soon());
        long seen = bus.GetLog()[^1].Sequence;
        Task<bool> next = bus.WaitForLogAsync(seen);
        Assert.False(next.IsCompleted);
        await bus.RequestAsync("stderr", new { lines = new[] { "a line" } }).Soon();
        Assert.True(await next.Soon());
        await Waiting.Until(() => bus.GetLog(after: seen).Any(entry => entry.Text == "a line"), "the line is there");

        using var cancellation = new CancellationTokenSource();
        Task<bool> cancelled = bus.WaitForLogAsync(long.MaxValue, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());

        Task<bool> last = bus.WaitForLogAsync(long.MaxValue);
        await bus.StopAsync().Soon();
        Assert.False(await last.Soon());
    }
}
