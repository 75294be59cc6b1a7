namespace StdioBus;

/// <summary>
/// How the protocol layer reaches a kernel. A backend knows no JSON-RPC beyond routing. Every method may be called
/// from any thread.
/// </summary>
internal interface IBusBackend
{
    /// <summary>Which one it is.</summary>
    BackendKind Kind { get; }

    /// <summary>What the kernel, or a worker where it is in this process, is reached over; in OpenTelemetry's words.</summary>
    string Transport => "pipe";

    /// <summary>Whether pool and session travel beside the message, so that it may stay plain JSON-RPC.</summary>
    bool RoutesBesideMessage { get; }

    /// <summary>Starts the workers. Ends when they run, or with a <see cref="StdioBusException"/>; then nothing runs.</summary>
    Task StartAsync(IBackendEvents events);

    /// <summary>
    /// Takes a message. What becomes of it is told by its receipt, or for a request by
    /// <see cref="IBackendEvents.OnSendRefused"/> or an answer.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="canWait">Whether the caller sees to <see cref="Flush"/> or <see cref="Drive"/>: it may leave no sooner.</param>
    void Send(in OutgoingMessage message, bool canWait = false);

    /// <summary>Sees to it that every message taken so far leaves. Cheap when all of them are on their way.</summary>
    void Flush();

    /// <summary>Whether <see cref="Drive"/> may be of use at this moment.</summary>
    bool CanBeDriven => false;

    /// <summary>
    /// Sends what was taken so far, and lets the current thread, whose caller waits, do the work of the backend's own until an
    /// answer is there. Nothing more than <see cref="Flush"/> when that is not possible; it ends early when something else has
    /// come between. Everything goes its way then without this thread.
    /// </summary>
    void Drive() => Flush();

    /// <summary>Whether the current thread is the one that calls <see cref="IBackendEvents"/>.</summary>
    bool IsEventThread { get; }

    /// <summary>
    /// The request of this cookie was given up: frees what it holds, then sends the notice, if there is one, to the
    /// worker that has the request; to all of its pool when that is not known (ids are unique, others ignore it).
    /// </summary>
    void GiveUp(ulong cookie, in OutgoingMessage notice);

    /// <summary>Sets or clears reasons for not reading from a worker.</summary>
    void SetPaused(int workerId, PauseReasons reasons, bool paused);

    /// <summary>Counters and counts; after the end, the last ones.</summary>
    BackendSnapshot GetSnapshot();

    /// <summary>All workers; after the end, none.</summary>
    Task<IReadOnlyList<BusWorker>> GetWorkersAsync();

    /// <summary>
    /// Ends one worker's process, at once when forced. With a restart it ends when the new process runs, else when the old
    /// one is gone.
    /// </summary>
    Task EndWorkerAsync(int workerId, bool restart, bool force);

    /// <summary>The last lines of the kernel's own process on its stderr, oldest first; none where it has no process of its own.</summary>
    IReadOnlyList<string> GetStderrTail(int lines) => [];

    /// <summary>An orderly end within the timeout; null for the kernel's default. Calling it again only shortens it.</summary>
    Task StopAsync(TimeSpan? timeout);

    /// <summary>An end without grace. Safe in every state, also after another end.</summary>
    Task KillAsync();
}

/// <summary>What has come of the events that were told in one go.</summary>
internal enum TurnOutcome
{
    /// <summary>There were none.</summary>
    Quiet,

    /// <summary>There were some, but nobody who called goes on now.</summary>
    Told,

    /// <summary>Callers go on now, who may send again soon.</summary>
    Callers,

    /// <summary>
    /// The only call that there was has its answer, and nothing else has happened: its caller goes on now, and comes to
    /// <see cref="IBusBackend.Drive"/> if he calls again.
    /// </summary>
    Driver,
}

/// <summary>Why a worker is not read; the kernel's host bits.</summary>
[Flags]
internal enum PauseReasons
{
    /// <summary>It is read.</summary>
    None = 0,

    /// <summary>A stream's queue is full.</summary>
    Stream = 1,

    /// <summary>A blocking subscription's queue is full.</summary>
    Subscription = 2,
}

/// <summary>What a backend tells, on its own thread. None of these runs user code or throws.</summary>
internal interface IBackendEvents
{
    /// <summary>A line for the host.</summary>
    void OnMessage(in IncomingMessage message);

    /// <summary>A request's message was not taken.</summary>
    void OnSendRefused(ulong cookie, StdioBusException error);

    /// <summary>The kernel took a request, and gave it to this worker; -1 when it waits for one, or that is not known.</summary>
    void OnPlaced(ulong cookie, int workerId);

    /// <summary>
    /// A request that was given up is over at its worker, or no worker had it. For each, unless its answer came before the
    /// kernel heard of it. Where the kernel cannot tell, at once.
    /// </summary>
    void OnSettled(ulong cookie);

    /// <summary>A worker's process came or went.</summary>
    void OnWorker(int workerId, WorkerEvent change);

    /// <summary>The first line that a worker's process wrote to stdout and that is no message. Its log has all.</summary>
    void OnSkipped(int workerId, string reason, string line);

    /// <summary>A line of the kernel's log, or of a worker's stderr.</summary>
    void OnLog(BusLogLevel level, int? workerId, string text);

    /// <summary>All events that there were for now have been told.</summary>
    TurnOutcome OnTurnEnd();

    /// <summary>
    /// The connection to the kernel was lost, and with it all that waited; it is being made again. What is sent meanwhile
    /// is refused.
    /// </summary>
    void OnDisconnected(StdioBusException error);

    /// <summary>The connection is there again, perhaps to another kernel. Its workers are told of behind this.</summary>
    void OnReconnected();

    /// <summary>Nothing runs any more. Without an error it was asked to end.</summary>
    void OnClosed(StdioBusException? error);
}

/// <summary>What happened to a worker.</summary>
internal enum WorkerEvent
{
    Started,
    Stopped,
    Restarting,
    Failed,
    Stopping,

    /// <summary>Its process was started and is being greeted; <see cref="Started"/> follows.</summary>
    Starting,
}
