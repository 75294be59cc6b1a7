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
    // How many go together at most. With more, the loop, the callers and the worker would take turns instead of working
    // at the same time; with fewer, wake-ups cost more than they gain. On one CPU they take turns anyway.
    private static readonly uint Together = Environment.ProcessorCount > 1 ? 16 : 1024u;

    [ThreadStatic]
    private static Completions? t_running;

    [ThreadStatic]
    private static uint t_putOff;

    private readonly ConcurrentQueue<RequestCall> _ended = new();
    private readonly Queue<RequestCall> _atOnce = new(); // for the backend's thread alone
    private int _isScheduled;
    private uint _addedByBackend;

    /// <summary>
    /// Whether the wake-up for a message may be put off: the current thread lets callers go and more of them wait, so that
    /// what they send can leave together. To be asked once for each message, after
    /// it was handed to the backend: then either this sees that nobody waits any more, or whoever took the last one sees
    /// the message.
    /// </summary>
    public bool CanPutOffFlush() => t_running == this && !_ended.IsEmpty && ++t_putOff % Together != 0;

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

    /// <summary>Sees to the calls that were added on the backend's thread. Whether there were any.</summary>
    public bool OnTurnEnd()
    {
        bool any = _atOnce.Count > 0;
        while (_atOnce.TryDequeue(out RequestCall? call))
            call.Release();
        if (_ended.IsEmpty)
            return any;
        Schedule();
        return true;
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
            call.Release();
        }

        t_running = null;
        backend.Flush();
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _isScheduled, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
