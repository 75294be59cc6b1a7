namespace StdioBus.Module.Pipeline;

/// <summary>
/// Wakes a command that waits when there is something to show meanwhile: lines of the log, where they are wanted, and a
/// worker that wrote what is no message. Disposing it ends that.
/// </summary>
internal sealed class BusNews : IDisposable
{
    private readonly Bus? _bus;
    private readonly Action _wake;
    private readonly CancellationTokenSource? _watching;

    public BusNews(Bus? bus, LogLines? log, Action wake)
    {
        _bus = bus;
        _wake = wake;
        if (bus is not null)
            bus.SkippedLines.Added += wake;
        if (log is null)
            return;
        _watching = new CancellationTokenSource();
        _ = log.WatchAsync(wake, _watching.Token);
    }

    public void Dispose()
    {
        if (_bus is not null)
            _bus.SkippedLines.Added -= _wake;
        _watching?.Cancel();
    }
}
