namespace StdioBus;

public sealed partial class Bus
{
    /// <summary>
    /// Ends a worker's process and starts it anew; ends when the new one runs. One that had failed, or was stopped, gets a
    /// new chance. Its requests in flight fail with a TransportError; those it has not begun go to others of its pool.
    /// </summary>
    /// <param name="workerId">The worker's id.</param>
    /// <param name="force">
    /// Ends it and all it started at once. Without, its input is closed first, and within about three seconds it is asked and
    /// then forced to end.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting only.</param>
    /// <exception cref="StdioBusException">
    /// InvalidArgument: there is no such worker. InvalidState: the bus does not run. Unavailable: it does not start again, or
    /// was stopped meanwhile. TransportError: the bus ended meanwhile.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task RestartWorkerAsync(int workerId, bool force = false, CancellationToken cancellationToken = default) =>
        EndWorkerAsync(workerId, restart: true, force, cancellationToken);

    /// <summary>
    /// Ends a worker's process; ends when it is gone. It is not started again, until <see cref="RestartWorkerAsync"/> does. Its
    /// requests in flight fail with a TransportError; those it has not begun go to others of its pool. Safe to repeat.
    /// </summary>
    /// <param name="workerId">The worker's id.</param>
    /// <param name="force">As of <see cref="RestartWorkerAsync"/>.</param>
    /// <param name="cancellationToken">Ends the waiting only.</param>
    /// <exception cref="StdioBusException">InvalidArgument: there is no such worker. InvalidState: the bus does not run.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task StopWorkerAsync(int workerId, bool force = false, CancellationToken cancellationToken = default) =>
        EndWorkerAsync(workerId, restart: false, force, cancellationToken);

    private Task EndWorkerAsync(int workerId, bool restart, bool force, CancellationToken cancellationToken) => State == BusState.Running
        ? _backend.EndWorkerAsync(workerId, restart, force).WaitAsync(cancellationToken)
        : Task.FromException(NotRunning());
}
