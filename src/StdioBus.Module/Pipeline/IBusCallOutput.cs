using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Where the outcome of calls goes: the pipeline, or the streams of a job. Written to by one thread at a time.</summary>
internal interface IBusCallOutput
{
    /// <summary>Takes one object.</summary>
    void WriteOutput(object? value);

    /// <summary>Takes the error that ended a call.</summary>
    void WriteFailure(ErrorRecord record);

    /// <summary>Takes news of a call's progress.</summary>
    void WriteProgress(ProgressRecord record);
}
