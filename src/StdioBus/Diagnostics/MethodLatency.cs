using System.Globalization;

namespace StdioBus;

/// <summary>
/// How long the answers to one method took: from when the request was sent until its answer, result or error, was
/// read here; for a stream until its result. Requests that were given up, or lost with their worker, are not in it.
/// </summary>
/// <remarks>
/// Times are counted in steps that grow with them: a percentile is at most 3.2 % off, and exact below 3.2 µs.
/// </remarks>
public sealed record MethodLatency
{
    /// <summary>
    /// The method. The first 256 of a bus have an entry of their own; all others share the one named <c>(other)</c>.
    /// </summary>
    public string Method { get; init; } = "";

    /// <summary>How many answers came.</summary>
    public long Count { get; init; }

    /// <summary>Half of the answers took no longer.</summary>
    public TimeSpan P50 { get; init; }

    /// <summary>95 % of the answers took no longer.</summary>
    public TimeSpan P95 { get; init; }

    /// <summary>99 % of the answers took no longer.</summary>
    public TimeSpan P99 { get; init; }

    /// <summary>The longest, exactly.</summary>
    public TimeSpan Max { get; init; }

    /// <summary>The method, the number of answers and the times, in milliseconds.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Method}: {Count} in p50 {P50.TotalMilliseconds:0.###} ms, p95 {P95.TotalMilliseconds:0.###} ms, p99 {P99.TotalMilliseconds:0.###} ms, max {Max.TotalMilliseconds:0.###} ms");
}
