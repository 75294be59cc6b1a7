namespace StdioBus;

/// <summary>Which requests of workers a handler gets, and how many at once.</summary>
public sealed class HandlerOptions
{
    /// <summary>Only from this pool; null for all.</summary>
    public string? Pool { get; set; }

    /// <summary>How many requests of one worker it works on at once, 1 or more: 16. With 1 they are handled in order, one by one.</summary>
    public int MaxConcurrent { get; set; } = 16;

    /// <summary>
    /// How many more requests of one worker wait for their turn, 0 or more: 256. One beyond these is answered with the
    /// error −32003.
    /// </summary>
    public int MaxQueue { get; set; } = 256;

    /// <summary>Makes <see cref="BusRequest.Params"/> from JSON; null for <see cref="System.Text.Json.JsonElement"/>.</summary>
    public JsonReader? Reader { get; set; }
}
