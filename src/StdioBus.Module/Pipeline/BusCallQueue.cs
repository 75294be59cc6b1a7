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
    private int _news;

    /// <summary>Adds an item; from any thread.</summary>
    public void Add(in BusCallItem item)
    {
        _items.Enqueue(item);
        // The taker looks once more after it said that it will sleep, so one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _taker) != 0)
            _added.Set();
    }

    /// <summary>Lets the taker look at something else; from any thread.</summary>
    public void Wake()
    {
        Interlocked.Exchange(ref _news, 1);
        if (Volatile.Read(ref _taker) != 0)
            _added.Set();
    }

    /// <summary>Takes an item if there is one.</summary>
    public bool TryTake(out BusCallItem item) => _items.TryDequeue(out item);

    /// <summary>Takes an item, waiting for it. False when there is none, but <see cref="Wake"/> was called.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public bool Take(out BusCallItem item, CancellationToken cancellation)
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
            if (!taken && Volatile.Read(ref _news) == 0)
                _added.Wait(cancellation);
            Volatile.Write(ref _taker, 0);
            if (taken || _items.TryDequeue(out item))
                return true;
            if (Interlocked.Exchange(ref _news, 0) != 0)
                return false;
        }
    }
}
