namespace StdioBus.Bench;

/// <summary>Keeps a number of calls in flight: that many lanes, each making one call after the other.</summary>
internal static class Window
{
    public static Task RunAsync(int calls, int inFlight, Func<Task> call)
    {
        int left = calls;
        return Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Lane()));

        async Task Lane()
        {
            while (Interlocked.Decrement(ref left) >= 0) await call();
        }
    }
}
