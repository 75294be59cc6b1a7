using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>One call of a command that makes many: its place in the input, what it sends, and what it has under way.</summary>
/// <param name="index">Its place in the input, from 0.</param>
/// <param name="parameters">The params, or null for none.</param>
/// <param name="target">What an error of this call names as its target.</param>
internal sealed class BusCall(long index, RawJson? parameters, object? target)
{
    // How many events may lie between the bus and the pipeline thread; the rest waits in the bus, which can pause the worker.
    private const int EventsUnderWay = 128;

    private const int LongestExcerpt = 100;

    private string? _progress;
    private SemaphoreSlim? _room;
    private bool _showsProgress;
    private bool _ended;

    public long Index { get; } = index;

    public RawJson? Params { get; } = parameters;

    public object? Target { get; } = target;

    /// <summary>Whether it is one of several that come from the pipeline, so that an error must tell which.</summary>
    public bool IsOneOfMany { get; init; }

    /// <summary>The beginning of its params; null when it has none.</summary>
    public string? Excerpt => Params?.ToString() switch
    {
        { Length: > LongestExcerpt } text => text[..LongestExcerpt] + "…",
        var text => text,
    };

    /// <summary>Why the call cannot be made; null when it can.</summary>
    public ErrorRecord? Refusal { get; init; }

    /// <summary>Room for events of this call on their way to the pipeline.</summary>
    public SemaphoreSlim Room => _room ?? Interlocked.CompareExchange(ref _room, new SemaphoreSlim(EventsUnderWay), null) ?? _room;

    /// <summary>Whether a notification of this method is progress that can be shown.</summary>
    public static bool IsProgress(string? method) => method == "notifications/progress";

    /// <summary>Notes the latest progress; posts an item when the one before was taken, so that somebody must be told.</summary>
    /// <param name="notification">The notification as JSON text.</param>
    /// <param name="post">Takes an item from any thread.</param>
    public void OfferProgress(string notification, Action<BusCallItem> post)
    {
        if (Interlocked.Exchange(ref _progress, notification) is null)
            post(new BusCallItem(this, BusCallItemKind.Progress, Value: null, IsLast: false));
    }

    /// <summary>The latest progress as a record for the host; null when the notification says nothing of it.</summary>
    public ProgressRecord? TakeProgress(string activity)
    {
        if (Interlocked.Exchange(ref _progress, null) is not string notification ||
            _ended ||
            PowerShellJsonReader.Hashtables.Read(Encoding.UTF8.GetBytes(notification)) is not IDictionary message ||
            message["params"] is not IDictionary values)
        {
            return null;
        }

        double? done = Number(values["progress"]);
        double? total = Number(values["total"]);
        string status = values["message"] as string is { Length: > 0 } text
            ? text
            : (done, total) switch
            {
                (double d, double t) => string.Create(CultureInfo.CurrentCulture, $"{d:0.##} of {t:0.##}"),
                (double d, null) => d.ToString("0.##", CultureInfo.CurrentCulture),
                _ => "…",
            };
        _showsProgress = true;
        return new ProgressRecord(ActivityId, activity, status)
        {
            PercentComplete = done is double part && total is double whole && whole > 0 ? (int)Math.Clamp(100 * part / whole, 0, 100) : -1,
        };
    }

    /// <summary>Notes the end of the call. Returns the record that takes its progress bar away, if one is on the screen.</summary>
    public ProgressRecord? EndProgress(string activity)
    {
        _ended = true;
        if (!_showsProgress)
            return null;

        return new ProgressRecord(ActivityId, activity, "…") { RecordType = ProgressRecordType.Completed };
    }

    private int ActivityId => (int)(Index % int.MaxValue) + 1;

    private static double? Number(object? value) => value is long or double ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : null;
}
