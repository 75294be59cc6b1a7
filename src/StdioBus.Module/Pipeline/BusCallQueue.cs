using System.Collections.Concurrent;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Items on their way to the pipeline thread: anybody adds, the pipeline thread takes. Without the locks and
/// registrations of a general blocking collection, which would cost a request more than its way to the worker and back.
/// </summary>
internal sealed class BusCallQueue
{
    // An answer is often so near that going to sleep and being woken would take longer. It is no spinning: whoever else
    // wants the CPU has it meanwhile.
    private const int YieldsBeforeBlocking = 20;

    private readonly ConcurrentQueue<BusCallItem> _items = new();
    private readonly ManualResetEventSlim _added = new(initialState: false, spinCount: 0);
    private int _taker;

    /// <summary>Adds an item; from any thread.</summary>
    public void Add(in BusCallItem item)
    {
        _items.Enqueue(item);
        // The taker looks once more after it said that it will sleep, so one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _taker) != 0)
            _added.Set();
    }

    /// <summary>Takes an item if there is one.</summary>
    public bool TryTake(out BusCallItem item) => _items.TryDequeue(out item);

    /// <summary>Takes an item, waiting for it at most so long. False when none came.</summary>
    /// <param name="item">The item.</param>
    /// <param name="milliseconds">How long; -1 for any time.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public bool TryTake(out BusCallItem item, int milliseconds, CancellationToken cancellation)
    {
        for (int i = 0; i < YieldsBeforeBlocking; i++)
        {
            if (_items.TryDequeue(out item))
                return true;
            cancellation.ThrowIfCancellationRequested();
            Thread.Yield();
        }

        while (true)
        {
            _added.Reset();
            Interlocked.Exchange(ref _taker, 1);
            bool taken = _items.TryDequeue(out item);
            bool mayBeThere = taken || _added.Wait(milliseconds, cancellation);
            Volatile.Write(ref _taker, 0);
            if (taken || _items.TryDequeue(out item))
                return true;
            if (!mayBeThere)
                return false;
        }
    }
}
