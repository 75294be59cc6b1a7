namespace StdioBus;

/// <summary>What a subscription receives and how much of it is kept.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Only from this pool; null for all.</summary>
    public string? Pool { get; set; }

    /// <summary>Only methods that match as a whole; <c>*</c> and <c>?</c> are wildcards, case counts. Null for all.</summary>
    public string? Method { get; set; }

    /// <summary>Only of this session; null for all.</summary>
    public string? SessionId { get; set; }

    /// <summary>
    /// Only those it returns true for. Runs on the reader's thread when the notification is taken, so what it refuses
    /// occupies the queue until then.
    /// </summary>
    public Func<BusNotification, bool>? Predicate { get; set; }

    /// <summary>How many notifications are kept, 1 or more: 256.</summary>
    public int MaxQueue { get; set; } = 256;

    /// <summary>What happens to the next one when it is full.</summary>
    public OverflowPolicy Overflow { get; set; } = OverflowPolicy.DropNewest;

    /// <summary>Makes <see cref="BusNotification.Params"/> from JSON; null for <see cref="System.Text.Json.JsonElement"/>.</summary>
    public JsonReader? Reader { get; set; }
}
