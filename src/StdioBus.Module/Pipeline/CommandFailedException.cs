using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>What a command cannot go on with: it ends the command, or fails the one input that it comes from.</summary>
internal sealed class CommandFailedException(ErrorRecord record) : Exception(record.Exception.Message, record.Exception)
{
    /// <summary>The error to write.</summary>
    public ErrorRecord Record { get; } = record;
}
