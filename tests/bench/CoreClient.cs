namespace StdioBus.Bench;

/// <summary>This project's core, over the native backend.</summary>
internal sealed class CoreClient : IContestant
{
    private readonly Bus _bus;

    private CoreClient(Bus bus) => _bus = bus;

    public static async Task<CoreClient> StartAsync(string worker)
    {
        Bus bus = new StdioBusBuilder().Pool("echo", worker).Build();
        await bus.StartAsync();
        return new CoreClient(bus);
    }

    public Task RunAsync(int calls, int inFlight) => Window.RunAsync(
        calls, inFlight, () => _bus.RequestAsync("echo", new { message = "hello, worker" }));

    public ValueTask DisposeAsync() => _bus.DisposeAsync();
}
