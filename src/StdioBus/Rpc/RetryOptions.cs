namespace StdioBus;

/// <summary>
/// How often and when a request is made again: one that is marked with <see cref="RequestOptions.IsIdempotent"/>, after
/// an error that says of itself that it may not come again (<see cref="StdioBusException.IsRetryable"/>).
/// </summary>
public sealed class RetryOptions
{
    /// <summary>How often at most, after the first time, 0 or more: 3.</summary>
    public int Count { get; set; } = 3;

    /// <summary>How long to wait before the first repetition: 200 ms. Before each further one it is twice as long.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait: 10 s.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>By how much of itself a wait is made shorter or longer at random, 0 to 1: 0.2. It keeps callers that failed together from coming again together.</summary>
    public double Jitter { get; set; } = 0.2;

    internal RetryOptions Copy() => (RetryOptions)MemberwiseClone();

    /// <summary>These options, when they are usable.</summary>
    /// <exception cref="BusInvalidArgumentException">One is out of its range.</exception>
    internal RetryOptions Checked()
    {
        if (Count < 0)
            throw new BusInvalidArgumentException($"{nameof(RetryOptions)}.{nameof(Count)}: expected 0 or more, got {Count}.");
        if (Delay < TimeSpan.Zero)
            throw new BusInvalidArgumentException($"{nameof(RetryOptions)}.{nameof(Delay)}: expected a time that is not negative, got {Delay}.");
        if (MaxDelay < TimeSpan.Zero || MaxDelay.TotalMilliseconds > int.MaxValue)
            throw new BusInvalidArgumentException($"{nameof(RetryOptions)}.{nameof(MaxDelay)}: expected a time from 0 to {TimeSpan.FromMilliseconds(int.MaxValue).Days} days, got {MaxDelay}.");
        if (!(Jitter is >= 0 and <= 1))
            throw new BusInvalidArgumentException($"{nameof(RetryOptions)}.{nameof(Jitter)}: expected a number from 0 to 1, got {Jitter.ToString(System.Globalization.CultureInfo.InvariantCulture)}.");
        return this;
    }

    /// <summary>How long to wait before a repetition.</summary>
    /// <param name="number">Which one, from 1.</param>
    /// <param name="random">A number from 0 to 1.</param>
    internal TimeSpan DelayBefore(int number, double random)
    {
        double wait = Math.Min(Delay.TotalMilliseconds * Math.Pow(2, number - 1), MaxDelay.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(Math.Min(wait * (1 + (Jitter * ((2 * random) - 1))), MaxDelay.TotalMilliseconds));
    }
}
