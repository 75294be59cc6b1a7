namespace StdioBus;

/// <summary>The last lines of the kernel's log and of the workers' stderr.</summary>
internal sealed class BusLog(int capacity)
{
    private readonly object _gate = new();
    private readonly BusLogEntry[] _ring = new BusLogEntry[capacity];
    private long _total;

    public void Add(BusLogLevel level, int? workerId, string text)
    {
        DateTimeOffset now = DateTimeOffset.Now;
        lock (_gate)
        {
            _total++;
            _ring[_total % _ring.Length] = new BusLogEntry(_total, now, level, workerId, text);
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
