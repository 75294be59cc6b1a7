namespace StdioBus;

/// <summary>What a worker is doing. The values are those of the kernel's header.</summary>
public enum WorkerState
{
    /// <summary>Has not answered its pool's <see cref="BusPool.Handshake"/> yet.</summary>
    Starting = 0,

    /// <summary>Takes requests.</summary>
    Running = 1,

    /// <summary>Ended; is started again when its back-off is over.</summary>
    Restarting = 2,

    /// <summary>Being ended.</summary>
    Stopping = 3,

    /// <summary>Ended on request.</summary>
    Stopped = 4,

    /// <summary>Ended too often to be started again.</summary>
    Failed = 5,

    /// <summary>Stopped by a terminal or a signal; goes on when that one lets it.</summary>
    Suspended = 6,
}
