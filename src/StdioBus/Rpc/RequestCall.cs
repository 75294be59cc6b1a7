using System.Runtime.CompilerServices;

namespace StdioBus;

/// <summary>A request whose caller waits for the final result.</summary>
internal abstract class RequestCall : PendingCall
{
    private ResultText? _text;
    private Exception? _failure;

    /// <summary>Lets its caller go on.</summary>
    public required Completions Completions { get; init; }

    /// <summary>Gets each notification of the request; null when nobody wants them.</summary>
    public ProgressPump? Progress { get; set; }

    /// <summary>Gives it up when its caller's token is cancelled; null when it cannot be.</summary>
    public CancellationLink? Cancellation { get; set; }

    public override Exception? Failure => _failure;

    public override int TextBytes => _text?.Length ?? 0;

    public override void OnNotification(ref IncomingNotification notification)
    {
        if (notification.Type == StreamEventType.Chunk)
            (_text ??= new ResultText()).Append(notification.InnerText);
        Progress?.Post(notification.Copy());
    }

    public override void OnResult(ReadOnlySpan<byte> result, int workerId)
    {
        Keep(_text is null ? result : ResultText.Complete(result, _text));
        Completions.Add(this);
    }

    public override void OnFailure(Exception error)
    {
        _failure = error;
        Completions.Add(this);
    }

    /// <summary>Lets its caller go on with the outcome; on the thread pool, once.</summary>
    public abstract void Release();

    /// <summary>Copies the result, which is valid during the call only.</summary>
    protected abstract void Keep(ReadOnlySpan<byte> result);
}

/// <summary>A request whose result becomes a <typeparamref name="T"/> when its caller goes on.</summary>
/// <remarks>
/// It completes its task as an asynchronous method does: the caller goes on inside of <see cref="Release"/>, and a
/// cancellation keeps its exception. A method of its own around each request would cost as much again.
/// </remarks>
internal abstract class RequestCall<T> : RequestCall
{
    private AsyncTaskMethodBuilder<T> _builder = AsyncTaskMethodBuilder<T>.Create();

    /// <summary>Its outcome; to be asked for once before it is sent, which makes it.</summary>
    public Task<T> Task => _builder.Task;

    public override void Release()
    {
        Cancellation?.End();

        // What was told before the end is seen before the caller goes on.
        if (Progress?.WhenIdle() is { IsCompleted: false } told)
            _ = told.ContinueWith(static (_, call) => ((RequestCall<T>)call!).Complete(), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        else
            Complete();
    }

    /// <summary>Makes the result of what was kept; once.</summary>
    protected abstract T Read();

    private void Complete()
    {
        if (Failure is { } failure)
        {
            _builder.SetException(failure);
            return;
        }

        T result;
        try
        {
            result = Read();
        }
        catch (Exception error)
        {
            _builder.SetException(error);
            return;
        }

        _builder.SetResult(result);
    }
}
