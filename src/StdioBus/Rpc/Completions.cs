using System.Collections.Concurrent;

namespace StdioBus;

/// <summary>
/// Lets the callers of ended requests go on, on the thread pool, many in one go: the answers of one read become one
/// work item, and the requests that their callers make next leave together, after one wake-up of the loop.
/// </summary>
/// <remarks>
/// A caller's code may block, on the answer to another request even. So whenever one is let go while others wait,
/// another work item stands ready to take those over, and a wake-up is only put off while such a one stands ready.
/// </remarks>
internal sealed class Completions(IBusBackend backend) : IThreadPoolWorkItem
{
    private static readonly bool HasOneCpu = Environment.ProcessorCount == 1;

    // How many go together at most. With more, the loop, the callers and the worker would take turns instead of working
    // at the same time; with fewer, wake-ups cost more than they gain. On one CPU they take turns anyway.
    private static readonly uint Together = HasOneCpu ? 1024u : 16;

    [ThreadStatic]
    private static Completions? t_running;

    [ThreadStatic]
    private static uint t_putOff;

    // Whether the current thread drives the backend once the caller that it lets go returns, if that one has sent something.
    [ThreadStatic]
    private static bool t_willDrive;

    [ThreadStatic]
    private static bool t_hasSent;

    [ThreadStatic]
    private static bool t_drives;

    private readonly ConcurrentQueue<RequestCall> _ended = new();
    private readonly Queue<RequestCall> _atOnce = new(); // for the backend's thread alone
    private int _isScheduled;
    private uint _addedByBackend;

    /// <summary>
    /// Whether the wake-up for a message may be put off: the current thread lets callers go and more of them wait, so that
    /// what they send can leave together, or it is about to send by itself. To be asked once for each message, after it was
    /// handed to the backend: then either this sees that nobody waits any more, or whoever took the last one sees the message.
    /// </summary>
    public bool CanPutOffFlush()
    {
        if (t_running != this)
            return false;

        // While nobody has the backend's turn, whoever takes it next sees the message, also when the caller blocks now.
        if (t_willDrive && backend.CanBeDriven)
            return t_hasSent = true;
        return !_ended.IsEmpty && ++t_putOff % Together != 0;
    }

    /// <summary>Takes a call whose outcome is set.</summary>
    public void Add(RequestCall call)
    {
        // Whoever listens to telemetry is called when its caller goes on, and is no code of ours.
        if (call.GoesOnAtOnce && backend.IsEventThread && !BusTelemetry.IsWanted(call))
        {
            _atOnce.Enqueue(call);
            return;
        }

        _ended.Enqueue(call);
        if (!backend.IsEventThread || ++_addedByBackend % Together == 0)
            Schedule();
    }

    /// <summary>Sees to the calls that were added on the backend's thread.</summary>
    /// <param name="isAlone">Whether one message was all that came, and no call waits any more.</param>
    public TurnOutcome OnTurnEnd(bool isAlone)
    {
        _addedByBackend = 0;
        TurnOutcome outcome = TurnOutcome.Quiet;
        while (_atOnce.TryDequeue(out RequestCall? call))
        {
            outcome = isAlone && call.IsDriven ? TurnOutcome.Driver : TurnOutcome.Callers;
            call.Release();
        }

        if (_ended.IsEmpty)
            return outcome;
        bool isDriven = HasOneCpu && isAlone && outcome == TurnOutcome.Quiet;
        if (!isDriven || !t_drives)
            Schedule();
        return isDriven ? TurnOutcome.Driver : TurnOutcome.Callers;
    }

    void IThreadPoolWorkItem.Execute()
    {
        // From here on another work item may be scheduled, which a call added now can rely on.
        Interlocked.Exchange(ref _isScheduled, 0);
        t_running = this;
        while (_ended.TryDequeue(out RequestCall? call))
        {
            // The last one may block like any other, and nobody stands ready then to send what was put off.
            if (_ended.IsEmpty)
                backend.Flush();
            else
                Schedule();
            if (HasOneCpu && _ended.IsEmpty)
                ReleaseAndDrive(call);
            else
                call.Release();
        }

        t_running = null;
        backend.Flush();
    }

    // On one CPU the loop and the callers take turns. One that calls again and again is served here, without the loop, until
    // somebody else wants this thread; what it has sent then leaves with the last flush.
    private void ReleaseAndDrive(RequestCall call)
    {
        t_hasSent = false;
        t_willDrive = true;
        call.Release();
        t_willDrive = false;
        if (!t_hasSent || ThreadPool.PendingWorkItemCount > 0)
            return;
        t_drives = true;
        backend.Drive();
        t_drives = false;
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _isScheduled, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
