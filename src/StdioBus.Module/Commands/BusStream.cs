using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Sends a request and writes what the worker says of it while it works, each event as it arrives: chunks of text and
/// other updates, then exactly one Result, or an error after what had been delivered. There is no total deadline unless
/// -Timeout gives one. Several inputs from the pipeline stream side by side.
/// </summary>
[Cmdlet(VerbsLifecycle.Invoke, "BusStream", DefaultParameterSetName = EverythingSet)]
[OutputType(typeof(StreamEvent), ParameterSetName = [EverythingSet, ChunksSet, ShowSet])]
[OutputType(typeof(string), ParameterSetName = [TextSet, EverythingSet, ChunksSet])]
[OutputType(typeof(Job), ParameterSetName = [EverythingSet, ChunksSet, TextSet])]
public sealed class InvokeBusStreamCommand : BusCallCmdlet
{
    private const string EverythingSet = "Everything";
    private const string ChunksSet = "Chunks";
    private const string TextSet = "Text";
    private const string ShowSet = "Show";

    private bool _lineIsOpen;

    /// <summary>Writes the text of the chunks as strings, and nothing else.</summary>
    [Parameter(Mandatory = true, ParameterSetName = TextSet)]
    public SwitchParameter TextOnly { get; set; }

    /// <summary>Writes the Chunk events only.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ChunksSet)]
    public SwitchParameter ChunkOnly { get; set; }

    /// <summary>Shows the text of the chunks in the host as it comes, without line breaks between; only the Result goes to the pipeline.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ShowSet)]
    public SwitchParameter Show { get; set; }

    /// <summary>Writes the JSON text of each message as the worker sent it.</summary>
    [Parameter(ParameterSetName = EverythingSet)]
    [Parameter(ParameterSetName = ChunksSet)]
    public SwitchParameter Raw { get; set; }

    private protected override BusCallMaker MakerOf(BusCallSettings settings)
    {
        if (Show && IsJob)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                "-Show and -AsJob exclude each other: a job has no host to show its text in.", target: null,
                "Leave one of them out; Receive-Job gives the events that have come."));
        }

        return new StreamMaker(settings)
        {
            WithResult = !ChunkOnly && !TextOnly,
            WithUpdates = !ChunkOnly && !TextOnly && !Show,
            TextOnly = TextOnly,
            Raw = Raw,
        };
    }

    private protected override void WriteOutput(object? value)
    {
        if (!Show || value is not StreamEvent shown)
        {
            base.WriteOutput(value);
            return;
        }

        if (shown.Type == StreamEventType.Chunk)
        {
            Host.UI.Write(shown.Text);
            _lineIsOpen = true;
            return;
        }

        EndLine();
        base.WriteOutput(shown);
    }

    private protected override void WriteFailure(ErrorRecord record)
    {
        EndLine();
        base.WriteFailure(record);
    }

    // What comes after shown text begins on a line of its own.
    private void EndLine()
    {
        if (!_lineIsOpen)
            return;

        Host.UI.WriteLine();
        _lineIsOpen = false;
    }
}
