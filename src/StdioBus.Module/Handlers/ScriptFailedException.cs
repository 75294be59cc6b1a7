using System.Management.Automation;

namespace StdioBus.Module.Handlers;

/// <summary>What ended a script block, told as its author needs it: the message and the places in the script.</summary>
internal sealed class ScriptFailedException(RuntimeException error)
    : Exception(error.ErrorRecord?.ToString() is { Length: > 0 } text ? text : error.Message, error)
{
    private readonly string? _places = error.ErrorRecord?.ScriptStackTrace;

    /// <inheritdoc/>
    public override string ToString() => string.IsNullOrEmpty(_places) ? Message : Message + Environment.NewLine + _places;
}
