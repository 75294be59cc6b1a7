namespace StdioBus;

/// <summary>The last lines of the kernel's log and of the workers' stderr.</summary>
internal sealed class BusLog(int capacity)
{
    private readonly object _gate = new();
    private readonly BusLogEntry[] _ring = new BusLogEntry[capacity];
    private long _total;
    private TaskCompletionSource? _news;
    private bool _ended;

    public void Add(BusLogLevel level, int? workerId, string text)
    {
        DateTimeOffset now = DateTimeOffset.Now;
        lock (_gate)
        {
            _total++;
            _ring[_total % _ring.Length] = new BusLogEntry(_total, now, level, workerId, text);
            _news?.SetResult();
            _news = null;
        }
    }

    /// <summary>From now on nobody waits for a line.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            _news?.SetResult();
            _news = null;
        }
    }

    /// <summary>Whether there is a line with a number above <paramref name="after"/>, as soon as that is certain.</summary>
    public async Task<bool> WaitAsync(long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news;
            lock (_gate)
            {
                if (_total > after || _ended)
                    return _total > after;
                news = (_news ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await news.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Up to <paramref name="last"/> lines with a number above <paramref name="after"/>, oldest first.</summary>
    public IReadOnlyList<BusLogEntry> Read(long after, int last)
    {
        lock (_gate)
        {
            long count = Math.Min(Math.Min(last, _ring.Length), _total - Math.Max(after, 0));
            if (count <= 0)
                return [];
            var entries = new BusLogEntry[count];
            for (int i = 0; i < entries.Length; i++)
                entries[i] = _ring[(_total - count + 1 + i) % _ring.Length];
            return entries;
        }
    }
}
