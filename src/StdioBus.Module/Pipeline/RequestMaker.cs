namespace StdioBus.Module.Pipeline;

/// <summary>Makes requests: one result each.</summary>
/// <param name="settings">What the requests have in common.</param>
/// <param name="raw">Whether the JSON text of a result is wanted.</param>
internal sealed class RequestMaker(BusCallSettings settings, bool raw) : BusCallMaker(settings)
{
    /// <inheritdoc/>
    public override bool IsDriven => Settings.IsOne;

    /// <inheritdoc/>
    public override async Task RunAsync(BusCall call, Action<BusCallItem> post, CancellationToken cancellation)
    {
        RequestOptions options = Settings.Apply(new RequestOptions { GoesOnAtOnce = true, IsDriven = IsDriven });
        options.OnProgress = notification =>
        {
            if (BusCall.IsProgress(notification.Method))
                call.OfferProgress(notification.Raw, post);
        };
        try
        {
            RawJson result = await Settings.Bus.RequestRawAsync(Settings.Method, call.Params, options, cancellation).ConfigureAwait(false);
            post(new BusCallItem(call, BusCallItemKind.Output, result, IsLast: true));
        }
        catch (Exception error)
        {
            post(BusCallItem.Failed(call, error));
        }
    }

    /// <inheritdoc/>
    public override object? Finish(object? value)
    {
        var result = (RawJson)value!;
        return raw ? result.ToString() : Settings.Reader.Read(result.Utf8.Span);
    }
}
