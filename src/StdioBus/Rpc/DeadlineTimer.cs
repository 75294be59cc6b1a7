namespace StdioBus;

/// <summary>A <see cref="DeadlineQueue"/> on the system's clock.</summary>
internal sealed class DeadlineTimer : IDisposable
{
    private readonly Timer _timer;

    public DeadlineTimer(Func<long> clock, Action<Deadline> expired)
    {
        _timer = new Timer(static owner => ((DeadlineTimer)owner!).Queue.Fire(), this, Timeout.Infinite, Timeout.Infinite);
        Queue = new DeadlineQueue(clock, Arm, expired);
    }

    public DeadlineQueue Queue { get; }

    public void Dispose() => _timer.Dispose();

    // One more, as the clock counts whole milliseconds and the timer must not come before its time.
    private void Arm(long wait) => _timer.Change(Math.Min(wait + 1, uint.MaxValue - 1), Timeout.Infinite);
}
