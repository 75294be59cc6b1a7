namespace StdioBus;

/// <content>A connection that was lost and is made again, where that is wanted.</content>
internal abstract partial class RemoteBackend
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // Cancelled when an end is asked for.
    private readonly CancellationTokenSource _goOn = new();
    private readonly object _linkGate = new();
    private IReadOnlyList<BusWorker>? _newWorkers;
    private volatile bool _isLinked;
    private bool _hasBroken;
    private int _isFinished;

    /// <summary>Whether a connection that was lost is made again.</summary>
    protected virtual bool MakesAgain => false;

    /// <summary>Frees what a connection holds that came to nothing.</summary>
    protected virtual void DropConnection()
    {
        // Where no connection is made twice there is nothing to drop.
    }

    private BusTransportException NotConnected() => new($"The connection of the bus '{Name()}' was lost, and is being made again.") { WasWritten = false };

    // On the reading thread of a connection that has ended.
    private bool IsToBeMadeAgain(StdioBusException? failure)
    {
        if (!MakesAgain || !_isReady)
            return false;
        lock (_linkGate)
        {
            if (!_isLinked)
            {
                // Who makes it hears of it.
                _hasBroken = true;
                return true;
            }

            if (failure is null)
                return false;
            _isLinked = false;
        }

        _events!.OnDisconnected(failure);
        lock (_changes)
            _changes.OnEnded(Name());

        // The calls that failed with it go on.
        _events.OnTurnEnd();
        _ = MakeAgainAsync();
        return true;
    }

    // As often as it takes; not when the daemon answers and says no.
    private async Task MakeAgainAsync()
    {
        StdioBusException? refusal = null;
        TimeSpan pause = FirstPause;
        while (!IsEnding)
        {
            try
            {
                await Task.Delay(pause * (0.9 + (0.2 * Random.Shared.NextDouble())), _goOn.Token).ConfigureAwait(false);
                await MakeOnceAsync().ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (error is OperationCanceledException or BusInvalidStateException)
            {
                break;
            }
            catch (Exception error) when (error is BusUnavailableException or BusTimeoutException or BusTransportException)
            {
                Log(BusLogLevel.Debug, $"The connection is not made again yet: {error.Message}");
            }
            catch (StdioBusException error)
            {
                refusal = error;
                break;
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        Finish(refusal);
    }

    private async Task MakeOnceAsync()
    {
        _hasBroken = false;
        DaemonLink link = await ConnectAsync(_goOn.Token).ConfigureAwait(false);
        var connection = new DaemonConnection(link, Config.Limits, Name(), this);
        connection.Start();
        try
        {
            IReadOnlyList<BusWorker> workers = await GreetAsync(connection).ConfigureAwait(false);
            lock (_linkGate)
            {
                if (_hasBroken)
                    throw new BusTransportException($"{Where} ended the connection at once.");
                Volatile.Write(ref _newWorkers, workers);
                Volatile.Write(ref _connection, connection);
                _isLinked = true;
            }
        }
        catch
        {
            DropConnection();
            connection.Join(Patience);
            throw;
        }

        // Its answer comes to the reading thread, which then tells of the connection.
        try
        {
            await ReadSnapshotAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is StdioBusException or TimeoutException)
        {
            // It is lost once more, which is told as the first time.
        }
    }

    private void TellOfNewConnection()
    {
        if (Volatile.Read(ref _newWorkers) is null || Interlocked.Exchange(ref _newWorkers, null) is not { } workers)
            return;
        lock (_paused)
            Array.Clear(_paused);
        _events!.OnReconnected();
        foreach (BusWorker worker in workers)
            _events.OnWorker(worker.Id, worker.State is WorkerState.Failed ? WorkerEvent.Failed : WorkerEvent.Started);
    }

    // Nothing is connected any more, and will not be.
    private void Finish(StdioBusException? failure)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) != 0)
            return;
        _last = _last with { WorkerCount = 0, ClientCount = 0, SessionCount = 0, PendingCount = 0 };
        Ended.SetResult();
        lock (_changes)
            _changes.OnEnded(Name());

        // In this order: a start that is about to end sees the end, or is seen here.
        if (!_isReady)
            return;
        _events!.OnClosed(failure);

        // The calls that failed with it go on.
        _events.OnTurnEnd();
    }
}
