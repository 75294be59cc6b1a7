namespace StdioBus;

/// <summary>What a loop is asked to do.</summary>
internal enum LoopCommandKind
{
    Send,
    GiveUp,
    Pause,
    Resume,
    ReadSnapshot,
    ReadWorkers,
    EndWorker,
    Stop,
    Kill,
}

/// <summary>A command to a loop; which members mean something follows from its kind.</summary>
internal readonly record struct LoopCommand(LoopCommandKind Kind)
{
    public OutgoingMessage Message { get; init; }

    public ulong Cookie { get; init; }

    public int Number { get; init; }

    public PauseReasons Reasons { get; init; }

    public bool Restart { get; init; }

    public bool Force { get; init; }

    public object? Reply { get; init; }
}
