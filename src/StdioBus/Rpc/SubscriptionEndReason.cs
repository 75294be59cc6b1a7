namespace StdioBus;

/// <summary>Why a subscription ended.</summary>
public enum SubscriptionEndReason
{
    /// <summary>It has not ended.</summary>
    None = 0,

    /// <summary>It was closed by its owner.</summary>
    Closed = 1,

    /// <summary>It was full and its policy is <see cref="OverflowPolicy.Close"/>.</summary>
    Overflow = 2,

    /// <summary>The bus was stopped or disposed.</summary>
    BusStopped = 3,

    /// <summary>No worker that could send what it waits for will run again, or the worker of its session ended.</summary>
    WorkerLost = 4,
}
