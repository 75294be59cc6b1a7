namespace StdioBus;

/// <summary>What a <see cref="StreamEvent"/> tells.</summary>
public enum StreamEventType
{
    /// <summary>A piece of the answer's text.</summary>
    Chunk = 0,

    /// <summary>A piece of the worker's reasoning.</summary>
    Thought = 1,

    /// <summary>A tool call began.</summary>
    ToolCall = 2,

    /// <summary>A tool call went on or ended.</summary>
    ToolCallUpdate = 3,

    /// <summary>The worker's plan.</summary>
    Plan = 4,

    /// <summary>A progress notification.</summary>
    Progress = 5,

    /// <summary>A log message of the worker.</summary>
    Log = 6,

    /// <summary>Any other notification of this request.</summary>
    Update = 7,

    /// <summary>The answer: the last event.</summary>
    Result = 8,
}
