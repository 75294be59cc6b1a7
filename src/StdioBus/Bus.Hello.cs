namespace StdioBus;

public sealed partial class Bus
{
    /// <summary>
    /// Shakes hands with an agent: sends <c>stdio_bus/hello</c>, and keeps the session it gives as
    /// <see cref="AgentSessionId"/>.
    /// </summary>
    /// <param name="parameters">What is offered; null for the protocol's version alone.</param>
    /// <param name="options">Where to and how; with several pools it names one.</param>
    /// <param name="cancellationToken">Gives the request up.</param>
    /// <exception cref="StdioBusException">NegotiationFailed: a required extension is not active, or the answer names no version. Anything else that ends a request.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<HelloResult> HelloAsync(HelloParams? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        parameters ??= new HelloParams();
        RawJson answer = await ExecuteAsync(HelloMessages.Method, HelloMessages.Write(parameters), options, cancellationToken).ConfigureAwait(false);
        HelloResult result = HelloMessages.Read(answer.ToElement(), parameters, PoolFor(options?.Pool)?.Id);
        if (result.SessionId is { } session)
            AgentSessionId = session;
        return result;
    }

    /// <summary>
    /// <see cref="StartAsync"/>, then, when there are parameters, <see cref="HelloAsync"/>. When the handshake fails the
    /// bus goes on running.
    /// </summary>
    /// <param name="parameters">What is offered; null for no handshake.</param>
    /// <param name="options">Of the handshake; with several pools it names one.</param>
    /// <param name="cancellationToken">Ends the start, or gives the handshake up.</param>
    /// <returns>The handshake's result; null without one.</returns>
    /// <exception cref="StdioBusException">As the two throw.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<HelloResult?> ConnectAsync(HelloParams? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        await StartAsync(cancellationToken).ConfigureAwait(false);
        return parameters is null ? null : await HelloAsync(parameters, options, cancellationToken).ConfigureAwait(false);
    }
}
