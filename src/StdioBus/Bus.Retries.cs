namespace StdioBus;

public sealed partial class Bus
{
    // Ends the waits between repetitions when the bus stops.
    private readonly CancellationTokenSource _stopping = new();

    // Makes a request again as long as that may help. Each time it has the whole of its deadlines.
    private async Task<RawJson> RepeatAsync(RetryOptions retry, string? method, object? parameters, RequestOptions options, CancellationToken cancellationToken)
    {
        retry.Checked();
        for (int number = 1; ; number++)
        {
            try
            {
                return await ExecuteOnce(new RawCall { Completions = _completions }, method, parameters, options, cancellationToken).ConfigureAwait(false);
            }
            catch (StdioBusException error) when (error.IsRetryable && number <= retry.Count && State == BusState.Running)
            {
                if (!await WaitForTurn(retry.DelayBefore(number, Random.Shared.NextDouble()), cancellationToken).ConfigureAwait(false))
                    throw;
                Interlocked.Increment(ref _counters.Retries);
            }
        }
    }

    // False when the bus stops in the meantime.
    private async Task<bool> WaitForTurn(TimeSpan delay, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await Task.Delay(delay, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return !_stopping.IsCancellationRequested;
    }
}
