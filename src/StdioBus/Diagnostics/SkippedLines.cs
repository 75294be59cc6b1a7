namespace StdioBus;

/// <summary>A line that a worker wrote to stdout and that is no message.</summary>
/// <param name="WorkerId">The worker.</param>
/// <param name="Reason">What is wrong with it: "not valid JSON".</param>
/// <param name="Text">Its beginning.</param>
internal sealed record SkippedLine(int WorkerId, string Reason, string Text);

/// <summary>The first such line of each worker of a bus.</summary>
internal sealed class SkippedLines
{
    private readonly object _gate = new();
    private SkippedLine[] _lines = [];

    /// <summary>Raised when there is one more, on the thread that tells what workers send: for those that only wake others.</summary>
    public event Action? Added;

    /// <summary>Those that there are, in the order in which they came. A look costs nothing.</summary>
    public ReadOnlySpan<SkippedLine> All => Volatile.Read(ref _lines);

    public void Add(int workerId, string reason, string text)
    {
        lock (_gate)
        {
            if (Array.Exists(_lines, line => line.WorkerId == workerId))
                return;
            Volatile.Write(ref _lines, [.. _lines, new SkippedLine(workerId, reason, text)]);
        }

        Added?.Invoke();
    }
}
