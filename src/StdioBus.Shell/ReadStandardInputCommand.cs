using System.Collections.Concurrent;
using System.Management.Automation;

namespace StdioBus.Shell;

/// <summary>
/// Writes the lines of stdin to the pipeline as they come: the first command of a script that takes them. The engine's own
/// input collections are at their end for a reader that finds them empty, however much is still to come.
/// </summary>
[Cmdlet(VerbsCommunications.Read, "StandardInput")]
public sealed class ReadStandardInputCommand : Cmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The lines.</summary>
    [Parameter(Mandatory = true)]
    public BlockingCollection<string> Lines { get; set; } = null!;

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            foreach (var line in Lines.GetConsumingEnumerable(_stopping.Token))
                WriteObject(line);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => _stopping.Cancel();
}
