namespace StdioBus.Module.Pipeline;

/// <summary>Makes streams: events as they arrive, of those kinds that are wanted.</summary>
/// <param name="settings">What the streams have in common.</param>
internal sealed class StreamMaker(BusCallSettings settings) : BusCallMaker(settings)
{
    /// <summary>Whether a Result is wanted.</summary>
    public required bool WithResult { get; init; }

    /// <summary>Whether updates that are neither chunk nor result are wanted.</summary>
    public required bool WithUpdates { get; init; }

    /// <summary>Whether the text of an event is all that is wanted of it.</summary>
    public required bool TextOnly { get; init; }

    /// <summary>Whether the JSON text of an event is wanted.</summary>
    public required bool Raw { get; init; }

    /// <inheritdoc/>
    public override async Task RunAsync(BusCall call, Action<BusCallItem> post, CancellationToken cancellation)
    {
        try
        {
            await PostEventsAsync(call, post, cancellation).ConfigureAwait(false);
            post(new BusCallItem(call, BusCallItemKind.End, Value: null, IsLast: true));
        }
        catch (Exception error)
        {
            post(BusCallItem.Failed(call, error));
        }
    }

    private async Task PostEventsAsync(BusCall call, Action<BusCallItem> post, CancellationToken cancellation)
    {
        StreamOptions options = Settings.Apply(new StreamOptions());
        object? parameters = call.Params;
        await foreach (StreamEvent one in Settings.Bus.StreamRequestAsync(Settings.Method, parameters, options, cancellation).ConfigureAwait(false))
        {
            if (BusCall.IsProgress(one.Method))
                call.OfferProgress(one.Raw, post);
            if (!IsWanted(one))
                continue;

            // Converted here, so that JSON which cannot become objects ends the call with an error instead of hiding in a property.
            if (!Raw)
                _ = one.Data;

            await call.Room.WaitAsync(cancellation).ConfigureAwait(false);
            post(new BusCallItem(call, BusCallItemKind.Output, TextOnly ? one.Text : Raw ? one.Raw : one, IsLast: false));
        }
    }

    private bool IsWanted(StreamEvent one) => one.Type switch
    {
        StreamEventType.Chunk => true,
        StreamEventType.Result => WithResult,
        _ => WithUpdates,
    };
}
