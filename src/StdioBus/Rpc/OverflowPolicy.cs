namespace StdioBus;

/// <summary>What a full subscription does with the next notification.</summary>
public enum OverflowPolicy
{
    /// <summary>Drops the new one and counts it.</summary>
    DropNewest = 0,

    /// <summary>The same as <see cref="DropNewest"/>.</summary>
    Drop = 0,

    /// <summary>Drops the oldest one and counts it.</summary>
    DropOldest = 1,

    /// <summary>Ends the subscription; what it holds can still be read.</summary>
    Close = 2,

    /// <summary>Pauses reading from the worker until there is room. Nothing is dropped.</summary>
    Block = 3,
}
