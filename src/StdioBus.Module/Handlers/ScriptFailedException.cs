using System.Management.Automation;

namespace StdioBus.Module.Handlers;

/// <summary>What ended a script block, told as its author needs it: the message and the places in the script.</summary>
internal sealed class ScriptFailedException : Exception
{
    private readonly string? _places;

    /// <param name="error">What the engine threw.</param>
    public ScriptFailedException(RuntimeException error)
        : base(error.ErrorRecord?.ToString() is { Length: > 0 } text ? text : error.Message, error) =>
        _places = error.ErrorRecord?.ScriptStackTrace;

    /// <param name="message">What was wrong with it, where the engine threw nothing.</param>
    public ScriptFailedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public override string ToString() => string.IsNullOrEmpty(_places) ? Message : Message + Environment.NewLine + _places;
}
