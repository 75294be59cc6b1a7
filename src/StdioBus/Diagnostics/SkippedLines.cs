namespace StdioBus;

/// <summary>A line that a worker wrote to stdout and that is no message.</summary>
/// <param name="WorkerId">The worker.</param>
/// <param name="Reason">What is wrong with it: "not valid JSON".</param>
/// <param name="Text">Its beginning, without control characters: a worker's text must not steer the terminal that it is shown on.</param>
internal sealed record SkippedLine(int WorkerId, string Reason, string Text)
{
    /// <summary>Whether it may well be a message, for which there was no room.</summary>
    public bool IsTooLong => Reason.Contains("max_input_buffer", StringComparison.Ordinal);
}

/// <summary>The first such line of each worker of a bus.</summary>
internal sealed class SkippedLines
{
    private readonly object _gate = new();
    private SkippedLine[] _lines = [];

    /// <summary>Raised when there is one more, on the thread that tells what workers send: for those that only wake others.</summary>
    public event Action? Added;

    /// <summary>Those that there are, in the order in which they came. A look costs nothing.</summary>
    public ReadOnlySpan<SkippedLine> All => Volatile.Read(ref _lines);

    /// <summary>That of a worker; null when there is none.</summary>
    public SkippedLine? Of(int workerId)
    {
        foreach (SkippedLine line in All)
            if (line.WorkerId == workerId)
                return line;
        return null;
    }

    public void Add(int workerId, string reason, string text)
    {
        lock (_gate)
        {
            if (Of(workerId) is not null)
                return;
            Volatile.Write(ref _lines, [.. _lines, new SkippedLine(workerId, reason, Printable(text))]);
        }

        Added?.Invoke();
    }

    private static string Printable(string text) => string.Create(text.Length, text, static (shown, from) =>
    {
        for (int i = 0; i < from.Length; i++)
            shown[i] = char.IsControl(from[i]) ? ' ' : from[i];
    });
}
