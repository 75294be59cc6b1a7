namespace StdioBus;

/// <summary>
/// Hands each line from the workers to whom it belongs, on the backend's thread: answers to their calls, notifications
/// to calls and subscriptions, requests to handlers.
/// </summary>
internal sealed class MessageDispatcher(
    CallIds ids,
    CallTable calls,
    CallCloser closer,
    WorkerRequests requests,
    SubscriptionSet subscriptions,
    WorkerFlow flow,
    WorkerBoard workers,
    MethodNames methods,
    BusCounters counters,
    BusLog log,
    SkippedLines skipped,
    Completions completions,
    Action<StdioBusException?> connectionChanged,
    Action<StdioBusException?> closed) : IBackendEvents
{
    private long _notifications;
    private int _told;

    public void OnMessage(in IncomingMessage message)
    {
        _told++;
        MessageView view = MessageView.Read(message.Json);
        if (subscriptions.HasRaw && subscriptions.OfferRaw(message, view, methods, calls.PoolOf(message.WorkerId)?.Id ?? "") is > 0 and int dropped)
            Interlocked.Add(ref counters.DroppedNotifications, dropped);
        if (view.Method.IsString(message.Json))
        {
            if (view.Id.IsPresent)
                requests.OnRequest(message, view, calls.PoolOf(message.WorkerId));
            else
                OnNotification(message, view);
        }
        else if (view.Id.IsPresent)
        {
            OnAnswer(message, view);
        }
        else
        {
            Interlocked.Increment(ref counters.Unreadable);
        }
    }

    public void OnSendRefused(ulong cookie, StdioBusException error)
    {
        _told++;
        if (calls.Take((long)cookie) is { } call)
            closer.Fail(call, error);
        else
            calls.Settle((long)cookie);
    }

    public void OnPlaced(ulong cookie, int workerId)
    {
        calls.Place((long)cookie, workerId);

        // Until it was known where it is, it kept every worker of its pool from being paused.
        flow.CallsChanged();
    }

    public void OnSettled(ulong cookie) => calls.Settle((long)cookie);

    public void OnWorker(int workerId, WorkerEvent change)
    {
        _told++;
        calls.PoolOf(workerId)?.SetGreeted(workerId, change == WorkerEvent.Starting);
        switch (change)
        {
            case WorkerEvent.Starting:
                workers.SetLost(workerId, false);
                break;
            case WorkerEvent.Started:
                workers.SetLost(workerId, false);
                flow.WorkerStarted(workerId);
                break;
            case WorkerEvent.Stopped:
            case WorkerEvent.Restarting:
                OnWorkerGone(workerId);
                flow.CallsChanged();
                break;
            case WorkerEvent.Failed:
                OnWorkerGone(workerId);
                workers.SetLost(workerId, true);
                subscriptions.End(SubscriptionEndReason.WorkerLost, subscription => workers.AreAllLost(subscription.Pool));
                break;
        }
    }

    public void OnSkipped(int workerId, string reason, string line)
    {
        _told++;
        skipped.Add(workerId, reason, line);
    }

    public void OnLog(BusLogLevel level, int? workerId, string text)
    {
        _told++;
        log.Add(level, workerId, text);
    }

    public TurnOutcome OnTurnEnd()
    {
        int told = _told;
        _told = 0;
        if (completions.OnTurnEnd(isAlone: told == 1 && calls.Count == 0) is var outcome and not TurnOutcome.Quiet)
            return outcome;
        return told > 0 ? TurnOutcome.Told : TurnOutcome.Quiet;
    }

    public void OnDisconnected(StdioBusException error)
    {
        for (int worker = 0; worker < workers.Count; worker++)
            OnWorkerGone(worker);
        connectionChanged(error);
        flow.CallsChanged();
    }

    public void OnReconnected() => connectionChanged(null);

    public void OnClosed(StdioBusException? error) => closed(error);

    private void OnAnswer(in IncomingMessage message, in MessageView view)
    {
        long id = ids.Read(view.Id.Of(message.Json));
        if (id == 0 || calls.Take(id, message.WorkerId) is not { } call)
        {
            if (id != 0)
                calls.Settle(id);
            Interlocked.Increment(ref counters.LateReplies);
            return;
        }

        if (view.Result.IsPresent || !message.FromKernel)
            CallCloser.NoteAnswer(call);
        if (view.Error.IsPresent)
            closer.Fail(call, WorkerErrors.Read(view.Error.Of(message.Json), call, message.WorkerId, message.FromKernel));
        else if (view.Result.IsPresent)
            closer.Succeed(call, view.Result.Of(message.Json), message.WorkerId);
        else
            closer.Fail(call, new BusInternalException($"The worker answered '{call.Method}' with neither a result nor an error.") { Method = call.Method, Pool = call.Pool?.Id, WorkerId = message.WorkerId });
    }

    private void OnNotification(in IncomingMessage message, in MessageView view)
    {
        ReadOnlySpan<byte> json = message.Json;
        NotificationKeys keys = view.Keys;
        string? topSession = view.SessionId.IsString(json) ? JsonStrings.Decode(view.SessionId.Of(json)) : null;
        string? paramsSession = keys.SessionId.IsPresent ? JsonStrings.Decode(keys.SessionId.Of(json)) : null;
        var notification = new IncomingNotification
        {
            Json = json,
            Params = view.Params,
            Keys = keys,
            Method = methods.Get(view.Method.Of(json)),
            SessionId = topSession ?? paramsSession,
            Pool = calls.PoolOf(message.WorkerId)?.Id ?? "",
            WorkerId = message.WorkerId,
            Sequence = ++_notifications,
        };
        bool ambiguous = false;
        AbandonedCall? abandoned = null;
        bool takesBack = TakesBack(notification);
        PendingCall? owner = takesBack ? null : calls.FindOwner(notification, topSession, paramsSession, out ambiguous, out abandoned);
        if (abandoned is not null)
        {
            closer.Withhold(owner!, notification.Method);
            owner = null;
            if (abandoned.IsToBeLogged())
                log.Add(BusLogLevel.Warning, null, $"Worker {message.WorkerId} has not answered '{abandoned.Method}', which was given up: what it sends that may be of that one is kept from the requests after it.");
        }
        else if (owner is not null)
        {
            if (ambiguous)
                Interlocked.Increment(ref counters.Ambiguous);
            closer.Notify(owner, ref notification);
        }

        (bool taken, int dropped) = subscriptions.Offer(ref notification, topSession, paramsSession);
        if (owner is null && !taken && !takesBack)
            dropped++;
        if (dropped > 0)
            Interlocked.Add(ref counters.DroppedNotifications, dropped);
    }

    // A worker takes back a request of its own, in one of two dialects. In $/cancelRequest it wants an answer even so.
    private bool TakesBack(in IncomingNotification notification)
    {
        if (!requests.Any || !notification.Keys.RequestId.IsPresent)
            return false;
        bool wantsAnswer = notification.Method == "$/cancelRequest";
        return (wantsAnswer || notification.Method == "notifications/cancelled")
            && requests.OnCancelled(notification.WorkerId, notification.Keys.RequestId.Of(notification.Json), wantsAnswer);
    }

    private void OnWorkerGone(int workerId)
    {
        calls.Unplace(workerId);
        subscriptions.OnWorkerStopped(workerId);
        requests.OnWorkerGone(workerId);
    }
}
