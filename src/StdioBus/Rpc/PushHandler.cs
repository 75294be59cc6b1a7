namespace StdioBus;

/// <summary>
/// Hands what a subscription receives to a callback: in order, one at a time, on the thread pool. What the callback
/// throws is reported, and it goes on.
/// </summary>
internal sealed class PushHandler<T>(Subscription<T> subscription, Action<T> callback, Action<Exception> onError) : IDisposable
    where T : class
{
    private volatile bool _isDisposed;

    public void Start() => _ = Task.Run(RunAsync);

    public void Dispose()
    {
        _isDisposed = true;
        subscription.Close();
    }

    private async Task RunAsync()
    {
        while (!_isDisposed && await subscription.WaitToReadAsync().ConfigureAwait(false))
            HandOne();
    }

    private void HandOne()
    {
        try
        {
            if (subscription.TryRead(out T? item) && !_isDisposed)
                callback(item);
        }
        catch (Exception error)
        {
            onError(error);
        }
    }
}
