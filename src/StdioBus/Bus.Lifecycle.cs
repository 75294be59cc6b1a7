namespace StdioBus;

public sealed partial class Bus
{
    /// <summary>Starts the workers; ends when they run.</summary>
    /// <param name="cancellationToken">Ends the start; the bus is then stopped.</param>
    /// <exception cref="StdioBusException">
    /// InvalidState: started already. InvalidArgument: the kernel refuses the configuration. Unavailable: a command
    /// cannot be executed, or the kernel's library is not there. TransportError: the listener cannot be opened. After
    /// a failure nothing runs and the state is Stopped.
    /// </exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedCheck();
        cancellationToken.ThrowIfCancellationRequested();
        var was = (BusState)Interlocked.CompareExchange(ref _state, (int)BusState.Starting, (int)BusState.Created);
        if (was != BusState.Created)
            throw new BusInvalidStateException($"The bus '{Name}' cannot be started: it is {was}; a bus starts once.");
        BusTelemetry.Announce();
        try
        {
            await _backend.StartAsync(_events).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await _backend.KillAsync().ConfigureAwait(false);
            OnBackendClosed(error as StdioBusException);
            throw;
        }

        _startedAt = DateTimeOffset.Now;
        if (Interlocked.CompareExchange(ref _state, (int)BusState.Running, (int)BusState.Starting) != (int)BusState.Starting)
            throw new BusInvalidStateException($"The bus '{Name}' was stopped while it was being started.");
    }

    /// <summary>
    /// An orderly end: requests that still wait fail with a TransportError and their workers are told, what was sent
    /// is written, then the workers end. Safe to repeat; a repetition can only shorten the time.
    /// </summary>
    /// <param name="timeout">How long the workers may take, in whole seconds, rounded up; then they are killed. Infinite: they are waited for, and neither asked nor killed. Null: the kernel's default.</param>
    /// <param name="cancellationToken">Ends the waiting only.</param>
    public Task StopAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        if (timeout is { } limit && limit < TimeSpan.Zero && limit != System.Threading.Timeout.InfiniteTimeSpan)
            throw new BusInvalidArgumentException($"{nameof(timeout)}: expected a time that is not negative, got {limit}.");
        return StopOnce(timeout).WaitAsync(cancellationToken);
    }

    /// <summary>Ends the workers, and all they started, at once. Safe in every state.</summary>
    public async Task KillAsync()
    {
        BeginStop();
        await _backend.KillAsync().ConfigureAwait(false);
        OnBackendClosed(null);
    }

    /// <summary>Stops the bus and takes it off the list of open ones. Safe to repeat.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        try
        {
            await StopOnce(null).ConfigureAwait(false);
        }
        finally
        {
            BusRegistry.Remove(this);
            _timer.Dispose();
        }
    }

    /// <summary>Stops the bus and takes it off the list of open ones, waiting for the end. Safe to repeat.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private Task StopOnce(TimeSpan? timeout)
    {
        BeginStop();
        lock (_gate)
        {
            if (_stop is null)
                return _stop = Stop(timeout);
            if (timeout is null || _stop.IsCompleted)
                return _stop;
        }

        return Task.WhenAll(_stop, _backend.StopAsync(timeout));
    }

    private async Task Stop(TimeSpan? timeout)
    {
        await _backend.StopAsync(timeout).ConfigureAwait(false);
        OnBackendClosed(null);
    }

    // Takes no more work and fails what waits, telling the workers.
    private void BeginStop()
    {
        int was;
        do
        {
            was = Volatile.Read(ref _state);
            if (was >= (int)BusState.Stopping)
                return;
        }
        while (Interlocked.CompareExchange(ref _state, (int)BusState.Stopping, was) != was);
        _ = _stopping.CancelAsync();
        _requests.Close();
        _closer.GiveUpAll("the bus is stopping", call => new BusTransportException($"The bus '{Name}' was stopped while '{call.Method}' waited for its answer.")
        {
            Method = call.Method,
            Pool = call.PoolName,
        });
    }

    // Nothing runs any more, whether it was asked to end or not. The first to say so wins.
    private void OnBackendClosed(StdioBusException? error)
    {
        if (Interlocked.Exchange(ref _state, (int)BusState.Stopped) != (int)BusState.Stopped && error is not null)
            _log.Add(BusLogLevel.Error, null, error.Message);
        _ = _stopping.CancelAsync();
        _requests.Abandon();
        FailAll("The kernel of the bus", "ended", error, forGood: true);
        _subscriptions.EndAll(SubscriptionEndReason.BusStopped);
        _log.End();
        if (Interlocked.Exchange(ref _stoppedRaised, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static bus => bus.RaiseStopped(), this, preferLocal: false);
    }

    // The connection to the kernel was lost, with this error, or is there again.
    private void OnConnectionChanged(StdioBusException? error)
    {
        _isDisconnected = error is not null;
        if (error is null)
        {
            _log.Add(BusLogLevel.Information, null, "The connection to the daemon is there again.");
            return;
        }

        _log.Add(BusLogLevel.Warning, null, $"{error.Message} It is being made again.");
        FailAll("The connection of the bus", "was lost", error, forGood: false);
    }

    private void FailAll(string what, string happened, StdioBusException? error, bool forGood) =>
        _closer.FailAll(
            call => new BusTransportException($"{what} '{Name}' {happened} while '{call.Method}' waited for its answer{(error is null ? "." : ": " + error.Message)}", error)
            {
                Details = error?.Details,
                Method = call.Method,
                Pool = call.PoolName,
            },
            forGood);

    // A handler that throws neither ends the process nor keeps the others from hearing of it.
    private void RaiseStopped()
    {
        foreach (EventHandler handler in Stopped?.GetInvocationList().Cast<EventHandler>() ?? [])
        {
            try
            {
                handler(this, EventArgs.Empty);
            }
            catch (Exception error)
            {
                _log.Add(BusLogLevel.Error, null, $"A handler of {nameof(Stopped)} threw: {error}");
            }
        }
    }

    private void ObjectDisposedCheck()
    {
        if (_disposed)
            throw new BusInvalidStateException($"The bus '{Name}' was removed.");
    }

    private BusInvalidStateException NotRunning() => new(_disposed
        ? $"The bus '{Name}' was removed."
        : $"The bus '{Name}' does not run: it is {State}.");
}
