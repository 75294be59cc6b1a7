using System.Runtime.CompilerServices;
using System.Text.Json;

namespace StdioBus;

public sealed partial class Bus
{
    /// <summary>Sends a request and waits for its result.</summary>
    /// <param name="method">The method; null for the pool's default method, when a pool is named.</param>
    /// <param name="parameters">
    /// The parameters: <see cref="RawJson"/>, JSON elements, documents and nodes as they are, anything else through
    /// System.Text.Json. An object or an array; null leaves them out.
    /// </param>
    /// <param name="options">Where to and how; null for the defaults.</param>
    /// <param name="cancellationToken">Gives the request up: the worker is told, a late answer is dropped.</param>
    /// <returns>The result. When its chunks were seen and it is an object, <c>text</c> has their whole text.</returns>
    /// <exception cref="StdioBusException">Anything that ends the request but a result.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<JsonElement> RequestAsync(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        MayRepeat(options) is { } retry
            ? ParseAsync(RepeatAsync(retry, method, parameters, options!, cancellationToken))
            : ExecuteOnce(new ElementCall { Completions = _completions }, method, parameters, options, cancellationToken);

    /// <summary>The same, with the result made into a type in one pass over its bytes.</summary>
    /// <typeparam name="T">The type; what System.Text.Json can make, by <see cref="RequestOptions.SerializerOptions"/>.</typeparam>
    /// <returns>The result; null where it is JSON's null.</returns>
    /// <exception cref="JsonException">The result does not have the form of the type.</exception>
    /// <inheritdoc cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    public async Task<T?> RequestAsync<T>(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        Read<T>(await ExecuteAsync(method, parameters, options, cancellationToken).ConfigureAwait(false), options);

    /// <summary>The same, with the result made by <see cref="RequestOptions.Reader"/>.</summary>
    /// <inheritdoc cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    public async Task<object?> RequestObjectAsync(string? method, object? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadObject(await ExecuteAsync(method, parameters, options, cancellationToken).ConfigureAwait(false), options);

    /// <summary>The same, with the bytes of the result.</summary>
    /// <inheritdoc cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    public Task<RawJson> RequestRawAsync(string? method, RawJson? parameters = null, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        ExecuteAsync(method, parameters, options, cancellationToken);

    /// <summary>
    /// Sends a request and yields what belongs to it as it arrives, then exactly one result. The request is sent when
    /// the enumeration begins; leaving it early gives the request up.
    /// </summary>
    /// <inheritdoc cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    public async IAsyncEnumerable<StreamEvent> StreamRequestAsync(string? method, object? parameters = null, StreamOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        options ??= new StreamOptions();
        JsonReader reader = options.Reader ?? JsonElements.Reader;
        var target = RequestTarget.Find(this, method, options);
        var call = new StreamCall(Clock)
        {
            Method = target.Method,
            Timeout = BusOptionsReader.Limit(nameof(options.Timeout), options.Timeout),
            IdleTimeout = BusOptionsReader.Limit(nameof(options.IdleTimeout), options.IdleTimeout ?? _options.IdleTimeout ?? _options.Timeout),
            Reader = reader,
            Capacity = _options.StreamQueue,
            OverflowBytes = _options.StreamOverflowBytes,
            Flow = _flow,
            Deadlines = _timer.Queue,
            Progress = PumpFor(options, reader),
        };
        call.SetPool(target.Pool, options.Pool);
        CancellationLink? cancellation = LinkFor(call, cancellationToken);
        Send(call, target, parameters, options);
        cancellation?.Follow(cancellationToken);
        try
        {
            while (await call.NextAsync().ConfigureAwait(false) is { } next)
                yield return next;
        }
        finally
        {
            cancellation?.End();
            _closer.GiveUp(call, "the consumer left the stream", () => new BusCancelledException($"The stream of '{call.Method}' was left by its consumer.") { Method = call.Method, Pool = call.Pool?.Id });
            BusTelemetry.End(call, call.Failure);
        }
    }

    /// <summary>Sends a one-way message; ends when the kernel took it.</summary>
    /// <param name="method">The method.</param>
    /// <param name="parameters">As in <see cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>.</param>
    /// <param name="options">Where to; null for the only pool.</param>
    /// <param name="cancellationToken">Ends the waiting only.</param>
    /// <exception cref="StdioBusException">It cannot be sent.</exception>
    public Task NotifyAsync(string method, object? parameters = null, MessageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        options ??= new MessageOptions();
        var target = RequestTarget.Find(this, method, options);
        var text = new ByteBuffer();
        var message = new ByteBuffer();
        try
        {
            ParamsWriter.Write(text, parameters);
            string? session = target.RouteSession(this, options, ParamsFacts.Read(text.Written).SessionId);
            MessageComposer.WriteNotification(message, target.Method, text.Written, target.Envelope(this, options, session));
            _methods.Note(target.Method);
            return SendWithReceipt(message, options.Pool, session, target.IsVerbatim).WaitAsync(cancellationToken);
        }
        finally
        {
            text.Release();
            message.Release();
        }
    }

    /// <summary>Sends a JSON-RPC message of one's own, as it is; ends when the kernel took it.</summary>
    /// <param name="message">One JSON object.</param>
    /// <param name="options">Pool and session; the rest does not apply.</param>
    /// <param name="cancellationToken">Ends the waiting only.</param>
    /// <exception cref="StdioBusException">It cannot be sent.</exception>
    public Task SendAsync(RawJson message, MessageOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!JsonScan.IsOneContainer(message.Utf8.Span))
            throw new BusInvalidArgumentException($"{nameof(message)}: expected one JSON object.");
        var buffer = new ByteBuffer();
        buffer.Write(message.Utf8.Span);
        ParamsWriter.MakeOneLine(buffer.Written);
        try
        {
            return SendWithReceipt(buffer, options?.Pool, options?.SessionId, verbatim: false).WaitAsync(cancellationToken);
        }
        finally
        {
            buffer.Release();
        }
    }

    private Task<RawJson> ExecuteAsync(string? method, object? parameters, RequestOptions? options, CancellationToken cancellationToken) =>
        MayRepeat(options) is { } retry
            ? RepeatAsync(retry, method, parameters, options!, cancellationToken)
            : ExecuteOnce(new RawCall { Completions = _completions }, method, parameters, options, cancellationToken);

    private static async Task<JsonElement> ParseAsync(Task<RawJson> result) => (await result.ConfigureAwait(false)).ToElement();

    // How a request may be made again; null when it may not.
    private RetryOptions? MayRepeat(RequestOptions? options) =>
        options is { IsIdempotent: true } && (options.Retry ?? _options.Retry) is { Count: not 0 } retry ? retry : null;

    // What prevents a request is in its task, like what ends it.
    private Task<T> ExecuteOnce<T>(RequestCall<T> call, string? method, object? parameters, RequestOptions? options, CancellationToken cancellationToken)
    {
        Task<T> outcome = call.Task;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            options ??= DefaultOptions;
            var target = RequestTarget.Find(this, method, options);
            call.Method = target.Method;
            call.SetPool(target.Pool, options.Pool);
            call.Timeout = BusOptionsReader.Limit(nameof(options.Timeout), options.Timeout ?? _options.Timeout);
            call.IdleTimeout = BusOptionsReader.Limit(nameof(options.IdleTimeout), options.IdleTimeout ?? _options.IdleTimeout);
            call.GoesOnAtOnce |= options.GoesOnAtOnce;
            call.IsDriven |= options.IsDriven;
            call.Progress = PumpFor(options, options.Reader ?? JsonElements.Reader);
            call.Cancellation = LinkFor(call, cancellationToken);
            Send(call, target, parameters, options);
            call.Cancellation?.Follow(cancellationToken);
        }
        catch (Exception error)
        {
            var refused = AsyncTaskMethodBuilder<T>.Create();
            refused.SetException(error);
            return refused.Task;
        }

        return BusTelemetry.IsWanted(call) ? FollowAsync(call) : outcome;
    }

    // A request that somebody listens to. Runs in the flow of the caller, as listeners expect.
    private static async Task<T> FollowAsync<T>(RequestCall<T> call)
    {
        try
        {
            return await call.Task.ConfigureAwait(false);
        }
        finally
        {
            BusTelemetry.End(call, call.Failure);
        }
    }

    private CancellationLink? LinkFor(PendingCall call, CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled ? new CancellationLink(_closer, call) : null;

    /// <summary>Sends a request and blocks until its result is there; the thread does the loop's work as long as that is of use.</summary>
    /// <inheritdoc cref="RequestAsync(string, object, RequestOptions, CancellationToken)"/>
    internal RawJson RequestBlocking(string? method, object? parameters, RequestOptions? options, CancellationToken cancellationToken)
    {
        if (MayRepeat(options) is { } retry)
            return RepeatAsync(retry, method, parameters, options!, cancellationToken).GetAwaiter().GetResult();
        var call = new RawCall { Completions = _completions, IsDriven = true };
        Task<RawJson> result = ExecuteOnce(call, method, parameters, options, cancellationToken);
        if (!result.IsCompleted)
            Drive();
        return result.GetAwaiter().GetResult();
    }

    /// <summary>A result as a type.</summary>
    internal static T? Read<T>(RawJson result, RequestOptions? options) => ExactJson.Read<T>(result.Utf8.Span, options?.SerializerOptions);

    /// <summary>A result as <see cref="RequestOptions.Reader"/> makes it.</summary>
    internal static object? ReadObject(RawJson result, RequestOptions? options) => (options?.Reader ?? JsonElements.Reader)(result.Utf8.Span);

    /// <summary>
    /// For a caller that blocks until a request with <see cref="RequestOptions.IsDriven"/> is over: sends it, and does the
    /// loop's work on this thread until the answer is there or something else has happened. Then he waits as anybody does.
    /// </summary>
    internal void Drive() => _backend.Drive();

    private static readonly RequestOptions DefaultOptions = new();

    // Writes the message, enters the call into the table, and only then hands the message over.
    private void Send(PendingCall call, in RequestTarget target, object? parameters, RequestOptions options)
    {
        if (State != BusState.Running)
            throw NotRunning();
        RequestBuffers buffers = RequestBuffers.Take();
        try
        {
            ParamsWriter.Write(buffers.Params, parameters, options.SerializerOptions);
            ReadOnlySpan<byte> text = buffers.Params.Written;
            ParamsFacts facts = ParamsFacts.Read(text);
            bool reports = options.ReportProgress ?? (target.Pool?.Dialect == Dialect.Mcp && call.Method != "initialize");
            bool takesMeta = text.IsEmpty || text[JsonScan.SkipSpace(text, 0)] == (byte)'{';
            var added = new AddedMeta(Token: reports && facts.ProgressToken is null && takesMeta);
            call.Id = _ids.Next();
            call.ParamsSession = facts.SessionId;
            call.CallerToken = facts.ProgressToken;
            call.RouteSession = target.RouteSession(this, options, facts.SessionId);
            call.HasOwnKey = added.Token || facts.ProgressToken is not null || facts.SessionId is not null || options.SessionId is not null;
            call.Span = BusTelemetry.Begin(call, Name, _backend.Transport);
            if ((options.PropagateTraceContext ?? _options.PropagateTraceContext) && takesMeta && !facts.HasTraceParent)
                added = added.WithTrace(call.Span ?? System.Diagnostics.Activity.Current);
            MessageComposer.WriteRequest(buffers.Message, _ids, call.Id, call.Method, text, facts, added, target.Envelope(this, options, call.RouteSession));
            if (call.Method == "initialize")
                target.Pool?.OnInitialize(facts.HasTextVersion, facts.HasNumberVersion);
            call.Latency = _latency.Of(call.Method, out bool isNew);
            if (isNew)
                _methods.Note(call.Method);
            Enter(call);
            int length = buffers.Message.Length;
            _backend.Send(new OutgoingMessage(buffers.Message.Detach(), length, options.Pool, call.RouteSession, Verbatim: target.IsVerbatim, Cookie: (ulong)call.Id), canWait: true);
            if (!call.HandOver())
                _closer.TellGivenUp(call, "given up as it was sent");
            if (!(call.IsDriven ? _backend.CanBeDriven : _completions.CanPutOffFlush()))
                _backend.Flush();
        }
        catch (Exception error) when (call.Span is not null)
        {
            BusTelemetry.End(call, error);
            throw;
        }
        finally
        {
            buffers.Return();
        }
    }

    private void Enter(PendingCall call)
    {
        long now = Clock();
        long? due = call.Start(now);
        call.SentAt = System.Diagnostics.Stopwatch.GetTimestamp();
        if (!_calls.Add(call, call.IsStream && _options.SingleStream, out bool hasStream))
            throw State == BusState.Running && hasStream && call.IsStream && _options.SingleStream
                ? new BusInvalidStateException($"A stream runs on the bus '{Name}' already, and {nameof(BusOptions.SingleStream)} allows one at a time.")
                : NotRunning();
        Interlocked.Increment(ref _counters.Requests);
        if (due is { } at)
            _timer.Queue.Add(call, at);
        _flow.CallsChanged();
    }

    private Task SendWithReceipt(ByteBuffer message, string? pool, string? session, bool verbatim)
    {
        if (State != BusState.Running)
            throw NotRunning();
        var receipt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int length = message.Length;
        _backend.Send(new OutgoingMessage(message.Detach(), length, pool, session, Verbatim: verbatim, Receipt: receipt));
        return receipt.Task;
    }

    private ProgressPump? PumpFor(RequestOptions options, JsonReader reader) => options.OnProgress is null
        ? null
        : new ProgressPump(options.OnProgress, reader, _log);
}
