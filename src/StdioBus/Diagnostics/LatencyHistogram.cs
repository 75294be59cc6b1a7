using System.Numerics;

namespace StdioBus;

/// <summary>
/// Counts times in buckets: one for each 100 ns at first, then sixteen for each doubling. The backend's thread alone
/// records; any thread may read.
/// </summary>
internal sealed class LatencyHistogram(string method)
{
    private const int StepsLog2 = 4;
    private const int Steps = 1 << StepsLog2;

    // Some 30 hours; what takes longer counts as that.
    private const int LargestLog2 = 40;
    private readonly long[] _buckets = new long[(LargestLog2 - StepsLog2 + 1) * Steps];
    private long _max;

    public string Method { get; } = method;

    /// <summary>Counts a time, in ticks of 100 ns.</summary>
    public void Record(long ticks)
    {
        ref long bucket = ref _buckets[BucketOf(ticks)];
        Volatile.Write(ref bucket, bucket + 1);
        if (ticks > _max)
            Volatile.Write(ref _max, ticks);
    }

    /// <summary>What was counted so far; null for nothing.</summary>
    public MethodLatency? Read()
    {
        long[] buckets = [.. _buckets];
        long count = buckets.Sum();
        if (count == 0)
            return null;
        long max = Volatile.Read(ref _max);
        return new MethodLatency
        {
            Method = Method,
            Count = count,
            P50 = Percentile(buckets, count, 0.50, max),
            P95 = Percentile(buckets, count, 0.95, max),
            P99 = Percentile(buckets, count, 0.99, max),
            Max = TimeSpan.FromTicks(max),
        };
    }

    private static int BucketOf(long ticks)
    {
        if (ticks < Steps)
            return (int)Math.Max(ticks, 0);
        int shift = BitOperations.Log2((ulong)Math.Min(ticks, (1L << LargestLog2) - 1)) - StepsLog2;
        return (shift * Steps) + (int)(Math.Min(ticks, (1L << LargestLog2) - 1) >> shift);
    }

    // The middle of the bucket in which the one of that rank is.
    private static TimeSpan Percentile(long[] buckets, long count, double share, long max)
    {
        long left = (long)Math.Ceiling(share * count);
        int index = 0;
        while ((left -= buckets[index]) > 0)
            index++;
        int shift = Math.Max(0, (index / Steps) - 1);
        long first = (long)(index - (shift * Steps)) << shift;
        return TimeSpan.FromTicks(Math.Min(first + ((1L << shift) / 2), max));
    }
}
