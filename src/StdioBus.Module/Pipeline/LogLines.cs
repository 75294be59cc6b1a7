namespace StdioBus.Module.Pipeline;

/// <summary>Hands on the lines that a bus logs from now on. Used on the pipeline thread, between and during waits.</summary>
/// <param name="bus">The bus.</param>
/// <param name="show">Takes one line.</param>
internal sealed class LogLines(Bus bus, Action<string> show)
{
    private long _seen = LastSequence(bus);

    public void Show()
    {
        foreach (BusLogEntry line in bus.GetLog(after: _seen))
        {
            _seen = line.Sequence;
            show(line.WorkerId is int worker
                ? $"{bus.Name} worker {worker} stderr: {line.Text}"
                : $"{bus.Name} {line.Level}: {line.Text}");
        }
    }

    /// <summary>Whether there is something to show, as soon as that is certain; false when nothing more will come.</summary>
    public Task<bool> WaitAsync(CancellationToken cancellation) => bus.WaitForLogAsync(_seen, cancellation);

    /// <summary>Calls back whenever there may be something to show, until it is cancelled or nothing more will come.</summary>
    public async Task WatchAsync(Action wake, CancellationToken cancellation)
    {
        long told = _seen;
        try
        {
            while (await bus.WaitForLogAsync(told, cancellation).ConfigureAwait(false))
            {
                told = LastSequence(bus);
                wake();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
    }

    private static long LastSequence(Bus bus) => bus.GetLog(1) is [var last] ? last.Sequence : 0;
}
