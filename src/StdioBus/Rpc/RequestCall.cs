using System.Threading.Tasks.Sources;

namespace StdioBus;

/// <summary>A request whose caller waits for the final result. It is its own awaitable, to be awaited once.</summary>
internal sealed class RequestCall : PendingCall, IValueTaskSource<byte[]>
{
    // Its caller goes on inside of Release, which runs on the thread pool.
    private ManualResetValueTaskSourceCore<byte[]> _completion;
    private ResultText? _text;
    private byte[]? _result;
    private Exception? _failure;

    /// <summary>Lets its caller go on.</summary>
    public required Completions Completions { get; init; }

    /// <summary>See <see cref="RequestOptions.GoesOnAtOnce"/>.</summary>
    public bool GoesOnAtOnce { get; init; }

    /// <summary>Gets each notification of the request; null when nobody wants them.</summary>
    public ProgressPump? Progress { get; init; }

    public override Exception? Failure => _failure;

    /// <summary>The bytes of the result.</summary>
    public ValueTask<byte[]> Completion => new(this, _completion.Version);

    public override void OnNotification(ref IncomingNotification notification)
    {
        if (notification.Type == StreamEventType.Chunk)
            (_text ??= new ResultText()).Append(notification.InnerText);
        Progress?.Post(notification.Copy());
    }

    public override void OnResult(ReadOnlySpan<byte> result, int workerId)
    {
        _result = ResultText.Complete(result, _text);
        Completions.Add(this);
    }

    public override void OnFailure(Exception error)
    {
        _failure = error;
        Completions.Add(this);
    }

    /// <summary>Lets its caller go on with the outcome; on the thread pool, once.</summary>
    public void Release()
    {
        if (_failure is { } failure)
            _completion.SetException(failure);
        else
            _completion.SetResult(_result!);
    }

    byte[] IValueTaskSource<byte[]>.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<byte[]>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<byte[]>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);
}
