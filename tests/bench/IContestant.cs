namespace StdioBus.Bench;

/// <summary>One way to talk to the echo worker. Each contestant runs a worker process of its own.</summary>
internal interface IContestant : IAsyncDisposable
{
    /// <summary>Makes <paramref name="calls"/> requests with at most <paramref name="inFlight"/> unanswered at a time.</summary>
    Task RunAsync(int calls, int inFlight);
}
