using System.Diagnostics;

namespace StdioBus;

/// <summary>
/// Ends calls that were taken out of the table, in each of the ways in which they can end, and gives up those that
/// are still in it. Whichever comes first wins; the others find nothing.
/// </summary>
internal sealed class CallCloser(IBusBackend backend, CallIds ids, CallTable calls, DeadlineQueue deadlines, WorkerFlow flow, BusCounters counters, SkippedLines skipped, Func<long> clock, long maxText)
{
    // Far from what an array can hold, to which a last chunk and the result come.
    private const long MaxStreamText = 1L << 30;

    /// <summary>Told of each call that was given up, once it has ended.</summary>
    public Action<PendingCall>? GivenUp { get; set; }

    /// <summary>Counts how long the answer to a call took; on the backend's thread, before the call is ended.</summary>
    public static void NoteAnswer(PendingCall call) => call.Latency?.Record(Stopwatch.GetElapsedTime(call.SentAt).Ticks);

    /// <summary>Ends a call with its result.</summary>
    public void Succeed(PendingCall call, ReadOnlySpan<byte> result, int workerId)
    {
        Interlocked.Increment(ref counters.Results);
        deadlines.End(call);
        call.OnResult(result, workerId);
        flow.CallsChanged();
    }

    /// <summary>Ends a call with an error.</summary>
    public void Fail(PendingCall call, Exception error)
    {
        Interlocked.Increment(ref counters.Failures);
        deadlines.End(call);
        call.OnFailure(error);
        flow.CallsChanged();
    }

    /// <summary>
    /// Hands a call a notification of its own. A stream that holds too much is given up, and any call that collects too
    /// much text.
    /// </summary>
    public void Notify(PendingCall call, ref IncomingNotification notification)
    {
        call.Heard(notification.Method, clock());
        call.OnNotification(ref notification);
        if (call is StreamCall { HasOverflown: true } stream)
            GiveUpOverflown(stream);
        else if ((call.IsStream ? MaxStreamText : maxText) is var most && call.TextBytes > most)
            GiveUpLongText(call, most, notification.WorkerId);
    }

    /// <summary>A notification that may be a call's own is kept from it; a sign of life it is all the same.</summary>
    public void Withhold(PendingCall call, string method) => call.Heard(method, clock());

    /// <summary>Gives up a call: the kernel frees what it holds and the worker is told. False when it had ended.</summary>
    public bool GiveUp(PendingCall call, string reason, Func<Exception> error)
    {
        if (!calls.Abandon(call, CancellationNotice.LeavesAnswerDue(call), CancellationNotice.IsTold(call)))
            return false;
        GiveUpRemoved(call, reason, error());
        return true;
    }

    /// <summary>Gives up all calls, and lets no more in.</summary>
    public void GiveUpAll(string reason, Func<PendingCall, Exception> error)
    {
        foreach (PendingCall call in calls.TakeAll(close: true))
            GiveUpRemoved(call, reason, error(call));
    }

    /// <summary>Ends all calls of a bus whose kernel is gone.</summary>
    /// <param name="error">What each fails with.</param>
    /// <param name="forGood">Whether no more are let in.</param>
    public void FailAll(Func<PendingCall, Exception> error, bool forGood)
    {
        foreach (PendingCall call in calls.TakeAll(close: forGood))
            Fail(call, error(call));
    }

    /// <summary>Looks at a call whose deadline may have passed.</summary>
    public void Expire(PendingCall call)
    {
        if (call.Overdue(clock(), out long? next) is { } timeout)
            GiveUp(call, "timed out", () => WithSkipped(timeout, call));
        else if (next is { } at)
            deadlines.Add(call, at);
    }

    /// <summary>Tells the backend, and through it the worker, of a request that was given up.</summary>
    public void TellGivenUp(PendingCall call, string reason)
    {
        var notice = new ByteBuffer();
        bool hasNotice = CancellationNotice.Write(notice, ids, call, reason);
        int length = notice.Length;
        backend.GiveUp((ulong)call.Id, hasNotice
            ? new OutgoingMessage(notice.Detach(), length, call.PoolName, call.RouteSession, call.Worker, call.Pool?.Envelope == EnvelopeKind.StdioBus)
            : new OutgoingMessage(null, 0));
    }

    // What the worker wrote in the place of an answer, perhaps.
    private StdioBusException WithSkipped(StdioBusException timeout, PendingCall call)
    {
        if (skipped.Of(call.Worker) is { } line)
            timeout.Details = $"Worker {line.WorkerId} has written to stdout what could not be taken for a message and was skipped. The first such line is {line.Reason}: {line.Text}";
        return timeout;
    }

    private void GiveUpOverflown(StreamCall stream) => GiveUp(stream, "the consumer is too slow", () => new BusResourceException(
        $"The stream of '{stream.Method}' holds more than {nameof(BusOptions.StreamOverflowBytes)} ({stream.OverflowBytes} bytes): its consumer is slow, and its worker cannot be paused because another call waits on it.")
    {
        Method = stream.Method,
        Pool = stream.Pool?.Id,
        WorkerId = stream.SourceWorker < 0 ? null : stream.SourceWorker,
    });

    private void GiveUpLongText(PendingCall call, long most, int workerId) => GiveUp(call, "the text is too long", () => new BusResourceException(
        $"The chunks of '{call.Method}' have more text than {(call.IsStream ? "a result can hold" : nameof(BusOptions.StreamOverflowBytes))} ({most} bytes).")
    {
        Method = call.Method,
        Pool = call.Pool?.Id,
        WorkerId = workerId < 0 ? null : workerId,
    });

    private void GiveUpRemoved(PendingCall call, string reason, Exception error)
    {
        if (call.Abandon())
            TellGivenUp(call, reason);
        Fail(call, error);
        GivenUp?.Invoke(call);
    }
}
