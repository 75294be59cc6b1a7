using System.Text.Json;

namespace StdioBus;

/// <summary>
/// The requests that workers send: each is handed to a handler, answered by the bus itself, or refused at once. An
/// answer goes to the worker that asked, with its id as it was, and never to that worker's successor.
/// </summary>
internal sealed class WorkerRequests(
    IBusBackend backend, HandlerSet handlers, BuiltInAnswers builtIn, CallTable calls, MethodNames methods, BusCounters counters, BusLog log, Func<long> clock, long maxMessage)
{
    private readonly object _gate = new();
    private readonly Dictionary<(int WorkerId, string Key), WorkerCall> _calls = [];
    private bool _closed;
    private int _count;

    /// <summary>Whether handlers have any.</summary>
    public bool Any => Volatile.Read(ref _count) > 0;

    /// <summary>A worker's request; on the backend's thread.</summary>
    public void OnRequest(in IncomingMessage message, in MessageView view, PoolInfo? pool)
    {
        Interlocked.Increment(ref counters.WorkerRequests);
        ReadOnlySpan<byte> id = view.Id.Of(message.Json);
        string method = methods.Get(view.Method.Of(message.Json));
        if (handlers.Find(method, pool?.Id ?? "") is { } handler)
        {
            Enter(handler, message, view, method, pool);
            return;
        }

        foreach (PendingCall waiting in calls.Of(message.WorkerId))
            waiting.Heard(method, clock());

        var result = new ByteBuffer();
        if (builtIn.TryWrite(result, method, view.Params.Of(message.Json)))
        {
            var answer = new ByteBuffer();
            MessageComposer.WriteResult(answer, id, result.Written);
            Send(answer, message.WorkerId);
        }
        else
        {
            Refuse(id, message.WorkerId, RpcErrorCode.MethodNotFound, $"Method not found: nothing here answers '{method}'", default);
            log.Add(BusLogLevel.Warning, null, $"Worker {message.WorkerId} asked for '{method}', which nothing here answers.");
        }

        result.Release();
    }

    /// <summary>
    /// A worker takes a request back. With <paramref name="wantsAnswer"/> its protocol asks for an answer even so.
    /// </summary>
    /// <returns>Whether it was one that a handler has.</returns>
    public bool OnCancelled(int workerId, ReadOnlySpan<byte> id, bool wantsAnswer)
    {
        WorkerCall? call;
        lock (_gate)
        {
            if (!_calls.TryGetValue((workerId, KeyOf(id)), out call))
                return false;
            Take(call);
            if (wantsAnswer)
                Send(ErrorAnswer(id, RpcErrorCode.RequestCancelled, "Request cancelled", default), workerId);
        }

        Cancel(call);
        return true;
    }

    /// <summary>
    /// A call of the bus was given up: what its worker asks for it, and for no other, is not worked on any more. The worker is
    /// told so, as it may wait for the answer.
    /// </summary>
    public void OnGivenUp(PendingCall given)
    {
        if (Any)
            CancelAll(call => call.IsMootWithout(given), static request => GivenUpAnswer(request.Id.Utf8.Span, request.Method));
    }

    /// <summary>A worker's process ended: nobody waits for its answers any more.</summary>
    public void OnWorkerGone(int workerId)
    {
        if (Any)
            CancelAll(call => call.Request.WorkerId == workerId);
        handlers.OnWorkerGone(workerId);
    }

    /// <summary>The bus stops: handlers are told, workers answered, and no more requests are taken.</summary>
    public void Close()
    {
        lock (_gate)
            _closed = true;
        CancelAll(_ => true, static request => ErrorAnswer(request.Id.Utf8.Span, RpcErrorCode.ShuttingDown, "Shutting down", default));
    }

    /// <summary>Nothing runs any more.</summary>
    public void Abandon()
    {
        lock (_gate)
            _closed = true;
        CancelAll(_ => true);
    }

    /// <summary>Runs a request's handler and answers; on the thread pool.</summary>
    public async Task RunAsync(WorkerCall call)
    {
        try
        {
            if (!call.IsOver)
                await HandleAsync(call).ConfigureAwait(false);
        }
        finally
        {
            call.Lane.Leave();
        }
    }

    private async Task HandleAsync(WorkerCall call)
    {
        ByteBuffer answer;
        bool handled = true;
        try
        {
            object? result = await call.Handler.Handler(call.Request, call.Token).ConfigureAwait(false);
            answer = ResultAnswer(call, result);
        }
        catch (Exception error)
        {
            handled = false;
            answer = FailureAnswer(call, error);
        }

        lock (_gate)
        {
            if (call.IsOver)
            {
                answer.Release();
                handled = false;
            }
            else
            {
                Take(call);
                call.Handler.Count(handled);

                // Under the lock: the worker cannot have been succeeded by another process in between.
                Send(answer, call.Request.WorkerId);
                return;
            }
        }

        call.Handler.Count(handled);
    }

    private void Enter(BusHandler handler, in IncomingMessage message, in MessageView view, string method, PoolInfo? pool)
    {
        ReadOnlySpan<byte> json = message.Json;
        ReadOnlySpan<byte> id = view.Id.Of(json);
        JsonSlice session = view.SessionId.IsString(json) ? view.SessionId : view.Keys.SessionId;
        var received = new ReceivedMessage(json, view.Params, view.Keys.Update, method)
        {
            SessionId = session.IsPresent ? JsonStrings.Decode(session.Of(json)) : null,
            Pool = pool?.Id ?? "",
            WorkerId = message.WorkerId,
        };
        var call = new WorkerCall(this, handler, new BusRequest(received, new RawJson(id.ToArray()), handler.Reader), KeyOf(id), calls.Of(message.WorkerId));
        bool closed, added, moot = false;
        lock (_gate)
        {
            closed = _closed;
            added = !closed && _calls.TryAdd((message.WorkerId, call.Key), call);
            if (added)
            {
                _count++;
                foreach (PendingCall waiting in call.Waiting)
                {
                    waiting.Asked(method, clock());

                    // Given up before this was there to be seen: answered it cannot be, that is told on this thread.
                    moot |= !calls.Contains(waiting) && call.IsMootWithout(waiting);
                }

                if (moot)
                    Take(call);
            }
        }

        if (closed)
        {
            Refuse(id, message.WorkerId, RpcErrorCode.ShuttingDown, "Shutting down", default);
        }
        else if (!added)
        {
            Refuse("null"u8, message.WorkerId, RpcErrorCode.InvalidRequest, "Invalid Request: a request with this id is in flight already", default);
        }
        else if (moot)
        {
            handler.Count(handled: false);
            Interlocked.Increment(ref counters.RefusedWorkerRequests);
            Send(GivenUpAnswer(id, method), message.WorkerId);
        }
        else if (!call.Lane.TryEnter(call))
        {
            lock (_gate)
            {
                if (call.IsOver)
                    return;
                Take(call);
            }

            handler.Count(handled: false);
            Refuse(id, message.WorkerId, RpcErrorCode.LimitReached, $"Too many requests: {handler.MaxConcurrent} are at work on '{handler.Method}' and {handler.MaxQueue} wait", LimitData(handler));
        }
    }

    // With an answer the workers are told.
    private void CancelAll(Predicate<WorkerCall> which, Func<BusRequest, ByteBuffer>? answer = null)
    {
        WorkerCall[] taken;
        lock (_gate)
        {
            taken = [.. _calls.Values.Where(call => which(call))];
            foreach (WorkerCall call in taken)
            {
                Take(call);
                if (answer is not null)
                    Send(answer(call.Request), call.Request.WorkerId);
            }
        }

        foreach (WorkerCall call in taken)
            Cancel(call);
    }

    // Out of the table: whoever does this answers, or knows that no answer is wanted. Under the lock.
    private void Take(WorkerCall call)
    {
        if (_calls.Remove((call.Request.WorkerId, call.Key)))
        {
            _count--;
            foreach (PendingCall waiting in call.Waiting)
                waiting.Answered(clock());
        }

        call.SetOver();
    }

    private void Cancel(WorkerCall call)
    {
        call.Lane.TakeOut(call);
        call.CancelAsync().ContinueWith(
            failed => log.Add(BusLogLevel.Warning, null, $"What a handler of '{call.Request.Method}' does when it is cancelled threw: {failed.Exception!.GetBaseException()}"),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void Refuse(ReadOnlySpan<byte> id, int workerId, int code, string reason, ReadOnlySpan<byte> data)
    {
        Interlocked.Increment(ref counters.RefusedWorkerRequests);
        Send(ErrorAnswer(id, code, reason, data), workerId);
    }

    private void Send(ByteBuffer answer, int workerId)
    {
        int length = answer.Length;
        backend.Send(new OutgoingMessage(answer.Detach(), length, WorkerId: workerId));
    }

    private ByteBuffer ResultAnswer(WorkerCall call, object? result)
    {
        var value = new ByteBuffer();
        var answer = new ByteBuffer();
        try
        {
            ParamsWriter.WriteValue(value, result, "the handler's result");
            MessageComposer.WriteResult(answer, call.Request.Id.Utf8.Span, value.Written);
            return answer.Length <= maxMessage
                ? answer
                : throw new BusResourceException($"The result has {answer.Length} bytes, more than the limit max_input_buffer ({maxMessage}).");
        }
        catch
        {
            answer.Release();
            throw;
        }
        finally
        {
            value.Release();
        }
    }

    private ByteBuffer FailureAnswer(WorkerCall call, Exception error)
    {
        ReadOnlySpan<byte> id = call.Request.Id.Utf8.Span;
        switch (error)
        {
            case JsonRpcErrorException chosen when chosen.ErrorData is not { } data || JsonScan.IsOneValue(data.Utf8.Span):
                ByteBuffer answer = ErrorAnswer(id, chosen.Code, chosen.Message, chosen.ErrorData is { } given ? given.Utf8.Span : default);
                if (answer.Length <= maxMessage)
                    return answer;
                answer.Release();
                break;
            case BusPolicyException:
                return ErrorAnswer(id, (int)BusErrorCode.PolicyDenied, error.Message, default);
        }

        if (!call.IsOver)
            log.Add(BusLogLevel.Warning, null, $"The handler of '{call.Request.Method}' threw: {error}");
        return ErrorAnswer(id, RpcErrorCode.InternalError, error.Message, default);
    }

    // In ACP a question for permission that is called off has a result for that; nothing else has.
    private static ByteBuffer GivenUpAnswer(ReadOnlySpan<byte> id, string method)
    {
        if (method != BuiltInAnswers.PermissionMethod)
            return ErrorAnswer(id, RpcErrorCode.RequestCancelled, "Request cancelled: the request that it was for was given up", default);
        var answer = new ByteBuffer();
        MessageComposer.WriteResult(answer, id, BuiltInAnswers.PermissionCancelled);
        return answer;
    }

    private static ByteBuffer ErrorAnswer(ReadOnlySpan<byte> id, int code, string message, ReadOnlySpan<byte> data)
    {
        var answer = new ByteBuffer();
        MessageComposer.WriteError(answer, id, code, message, data);
        return answer;
    }

    private static byte[] LimitData(BusHandler handler) =>
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { ["limit"] = nameof(HandlerOptions.MaxQueue), ["value"] = handler.MaxQueue });

    private static string KeyOf(ReadOnlySpan<byte> id) => ProgressTokens.Normalise(id);
}
