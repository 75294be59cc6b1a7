namespace StdioBus.Module.Pipeline;

/// <summary>
/// How the calls of one command are made, and what their results become. It knows nothing of the command itself, which
/// has long ended while the calls of a job go on.
/// </summary>
internal abstract class BusCallMaker(BusCallSettings settings)
{
    public BusCallSettings Settings { get; } = settings;

    /// <summary>Whether whoever waits for a call is to do so in <see cref="Bus.Drive"/>.</summary>
    public virtual bool IsDriven => false;

    /// <summary>
    /// Makes one call and posts all that comes of it, its failure too: of the items the last one says that it is. Throws nothing.
    /// </summary>
    public abstract Task RunAsync(BusCall call, Action<BusCallItem> post, CancellationToken cancellation);

    /// <summary>Makes the object to write of what was posted; an exception is the call's failure. Runs where the output is written.</summary>
    public virtual object? Finish(object? value) => value;
}
