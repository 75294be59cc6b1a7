namespace StdioBus;

/// <summary>Where a bus is in its life. The values only grow, and <see cref="Stopped"/> is final.</summary>
public enum BusState
{
    /// <summary>Made, not started.</summary>
    Created = 0,

    /// <summary>Its workers are being started.</summary>
    Starting = 1,

    /// <summary>Takes requests.</summary>
    Running = 2,

    /// <summary>Ends its workers; takes no new work.</summary>
    Stopping = 3,

    /// <summary>Nothing of it runs any more.</summary>
    Stopped = 4,
}
