using System.Globalization;
using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Takes a time as a TimeSpan or as a number of seconds, in a parameter and in an option hashtable alike. PowerShell alone
/// reads 30 as ticks and '30' as days. 0 and <c>Infinite</c> mean none, which is
/// <see cref="Timeout.InfiniteTimeSpan"/> here.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BusTimeAttribute : ArgumentTransformationAttribute
{
    private const string Expected = "expected a TimeSpan or a number of seconds; 0 or Infinite means none";

    // What a timer of the core can count.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        inputData is null ? null : Read(inputData);

    /// <summary>Reads one time.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It is none.</exception>
    public static TimeSpan Read(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        TimeSpan time = data switch
        {
            TimeSpan span => span,
            string text => Parse(text),
            int or long or short or byte or sbyte or uint or ulong or ushort or double or float or decimal =>
                Seconds(Convert.ToDouble(data, CultureInfo.InvariantCulture), data),
            _ => throw Refused(data),
        };
        if (time == TimeSpan.Zero || time == Timeout.InfiniteTimeSpan)
            return Timeout.InfiniteTimeSpan;

        return time > TimeSpan.Zero && time <= Longest ? time : throw Refused(data);
    }

    private static TimeSpan Parse(string text)
    {
        if (string.Equals(text, "Infinite", StringComparison.OrdinalIgnoreCase))
            return Timeout.InfiniteTimeSpan;

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds))
            return Seconds(seconds, text);

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan span)
            ? span
            : throw Refused(text);
    }

    private static TimeSpan Seconds(double seconds, object data) =>
        seconds >= 0 && seconds <= Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : throw Refused(data);

    private static ArgumentTransformationMetadataException Refused(object? data) =>
        new($"'{Convert.ToString(data, CultureInfo.InvariantCulture)}' is not a time: {Expected} (at most {Longest.TotalDays} days).");
}
