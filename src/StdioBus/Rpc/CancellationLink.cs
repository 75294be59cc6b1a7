namespace StdioBus;

/// <summary>Gives a request up when its caller's token is cancelled, until the request has ended.</summary>
/// <remarks>Its own lock guards it: the token has it, but takes no lock.</remarks>
internal sealed class CancellationLink(CallCloser closer, PendingCall call)
{
    private CancellationTokenRegistration _registration;
    private bool _isOver;

    /// <summary>Begins to follow the token; nothing happens when the request has ended meanwhile.</summary>
    public void Follow(CancellationToken token)
    {
        CancellationTokenRegistration registration = token.UnsafeRegister(static (link, token) => ((CancellationLink)link!).GiveUp(token), this);
        lock (this)
        {
            if (!_isOver)
            {
                _registration = registration;
                return;
            }
        }

        registration.Unregister();
    }

    /// <summary>The request has ended. Does not wait for a cancellation under way, which finds nothing to give up.</summary>
    public void End()
    {
        CancellationTokenRegistration registration;
        lock (this)
        {
            _isOver = true;
            registration = _registration;
        }

        registration.Unregister();
    }

    private void GiveUp(CancellationToken token) => closer.GiveUp(
        call, "cancelled by the caller", () => new OperationCanceledException($"The request '{call.Method}' was cancelled.", token));
}
