namespace StdioBus.Bench;

/// <summary>This project's core for callers that block, each on a thread of its own.</summary>
internal sealed class BlockingClient : IContestant
{
    private readonly BlockingBus _bus;

    private BlockingClient(BlockingBus bus) => _bus = bus;

    public static BlockingClient Start(string worker)
    {
        BlockingBus bus = new StdioBusBuilder().Pool("echo", worker).BuildSync();
        bus.Start();
        return new BlockingClient(bus);
    }

    public Task RunAsync(int calls, int inFlight)
    {
        int left = calls;
        return Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Factory.StartNew(Lane, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        void Lane()
        {
            while (Interlocked.Decrement(ref left) >= 0) _bus.Request("echo", new { message = "hello, worker" });
        }
    }

    public ValueTask DisposeAsync()
    {
        _bus.Dispose();
        return ValueTask.CompletedTask;
    }
}
