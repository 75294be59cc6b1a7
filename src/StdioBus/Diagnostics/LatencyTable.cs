using System.Collections.Concurrent;

namespace StdioBus;

/// <summary>The latencies of a bus by method. Bounded: methods beyond the first ones share an entry.</summary>
internal sealed class LatencyTable
{
    public const int Capacity = 256;
    public const string Others = "(other)";
    private readonly ConcurrentDictionary<string, LatencyHistogram> _methods = new(StringComparer.Ordinal);
    private readonly LatencyHistogram _others = new(Others);
    private LatencyHistogram? _last;
    private int _count;

    /// <summary>The one of a method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="isNew">Whether it was not asked for before, as far as that is known.</param>
    public LatencyHistogram Of(string method, out bool isNew)
    {
        // Most often the same text again, the very same string even.
        LatencyHistogram? found = Volatile.Read(ref _last);
        isNew = false;
        if (found is not null && ReferenceEquals(found.Method, method))
            return found;
        if (!_methods.TryGetValue(method, out found))
        {
            isNew = true;
            if (Volatile.Read(ref _count) >= Capacity || Interlocked.Increment(ref _count) > Capacity)
                return _others;
            found = _methods.GetOrAdd(method, static name => new LatencyHistogram(name));
        }

        Volatile.Write(ref _last, found);
        return found;
    }

    /// <summary>What was counted so far, by method, in the order of their names.</summary>
    public IReadOnlyList<MethodLatency> Read() =>
        [.. _methods.Values.Append(_others)
            .Select(histogram => histogram.Read())
            .OfType<MethodLatency>()
            .OrderBy(latency => latency.Method, StringComparer.Ordinal)];
}
