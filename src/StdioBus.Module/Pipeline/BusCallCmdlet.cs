using System.Management.Automation;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The base of the commands that make one call per input, several at once. Calls run on the thread pool and hand tagged
/// items to one queue; the pipeline thread takes them from it whenever it has its turn: at each input, while it waits for
/// a free place, and at the end.
/// </summary>
public abstract class BusCallCmdlet : BusMessageCmdlet
{
    private const int DefaultThrottleOfPipeline = 16;

    private readonly BusCallQueue _items = new();
    private readonly Dictionary<long, Queue<BusCallItem>> _held = [];
    private byte[]? _commonParams;
    private LogLines? _log;
    private int _throttle;
    private int _running;
    private long _nextIndex;
    private long _nextOrdered;

    private protected BusCallCmdlet()
    {
    }

    /// <summary>The method to call. May be left out with -Pool: then it is the pool's default method, else the pool's id.</summary>
    [Parameter(Position = 0)]
    [MethodName]
    [ArgumentCompleter(typeof(MethodNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Method { get; set; }

    /// <summary>
    /// The params: a hashtable, a custom object, an array, or JSON text of an object or array. Given together with input
    /// from the pipeline, both must be objects; they are joined and members of the input win.
    /// </summary>
    [Parameter(Position = 1)]
    public object? Params { get; set; }

    /// <summary>The params of one call, usually from the pipeline: one call for each input.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    public object? InputObject { get; set; }

    /// <summary>The longest a call may take in all: a TimeSpan or seconds; 0 or Infinite for no limit.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? Timeout { get; set; }

    /// <summary>The longest a call may go without a sign of life, such as a chunk or progress: a TimeSpan or seconds; 0 or Infinite for no limit.</summary>
    [Parameter]
    [BusTime]
    public TimeSpan? IdleTimeout { get; set; }

    /// <summary>How many calls may run at once. Default: 16 with input from the pipeline.</summary>
    [Parameter]
    [ValidateRange(1, 65536)]
    public int ThrottleLimit { get; set; }

    /// <summary>Writes the results in the order of the inputs instead of the order in which they come.</summary>
    [Parameter]
    public SwitchParameter Ordered { get; set; }

    /// <summary>Makes ordered, case-sensitive dictionaries of JSON objects instead of custom objects.</summary>
    [Parameter]
    public SwitchParameter AsHashtable { get; set; }

    /// <summary>Asks the worker to report progress, which is shown as with Write-Progress. On by default for MCP pools.</summary>
    [Parameter]
    public SwitchParameter ReportProgress { get; set; }

    /// <summary>The bus of this command.</summary>
    private protected Bus Target { get; private set; } = null!;

    /// <summary>How JSON becomes objects here.</summary>
    private protected PowerShellJsonReader Reader => AsHashtable ? PowerShellJsonReader.Hashtables : PowerShellJsonReader.Objects;

    /// <summary>
    /// Makes one call and posts what comes of it but the last, which it returns: the result, or an End. An
    /// exception is its failure. Runs on the thread pool.
    /// </summary>
    private protected abstract Task<BusCallItem> RunAsync(BusCall call);

    /// <summary>Makes the object to write of what was posted; an exception is the call's failure. Runs on the pipeline thread.</summary>
    private protected virtual object? Finish(object? value) => value;

    /// <summary>Writes one object. Runs on the pipeline thread.</summary>
    private protected virtual void WriteOutput(object? value) => WriteObject(value, enumerateCollection: false);

    /// <summary>Writes the error that ended a call. Runs on the pipeline thread.</summary>
    private protected virtual void WriteFailure(ErrorRecord record) => WriteError(record);

    /// <summary>Hands an item to the pipeline thread.</summary>
    private protected void Post(BusCall call, BusCallItemKind kind, object? value) =>
        _items.Add(new BusCallItem(call, kind, value, IsLast: false));

    /// <summary>Fills in the options that all calls share.</summary>
    private protected TOptions WithCommonOptions<TOptions>(TOptions options, BusCall call)
        where TOptions : RequestOptions
    {
        Address(options);
        options.Timeout = Timeout;
        options.IdleTimeout = IdleTimeout;
        options.ReportProgress = MyInvocation.BoundParameters.ContainsKey(nameof(ReportProgress)) ? ReportProgress.IsPresent : null;
        options.Reader = Reader.Read;
        options.OnProgress = notification =>
        {
            if (notification.Method == "notifications/progress" && call.OfferProgress(notification))
                Post(call, BusCallItemKind.Progress, value: null);
        };
        return options;
    }

    private protected override void Begin()
    {
        Target = RunningBus();
        if (Method is null && Pool is null)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                "Neither -Method nor -Pool is given.", target: null, "Name the method to call, or a pool, whose default method is then called."));
        }

        _throttle = ThrottleLimit > 0 ? ThrottleLimit : MyInvocation.ExpectingInput ? DefaultThrottleOfPipeline : 1;
        _log = WatchLog(Target);
        try
        {
            _commonParams = RequestParams.From(Params);
        }
        catch (JsonConversionException error)
        {
            ThrowTerminatingError(BusErrors.InvalidParams(error, "-Params", Params));
        }
    }

    private protected override void Process()
    {
        while (_running >= _throttle)
            Deliver(TakeNext());

        // Whatever this input becomes, it has its place in the order of the output.
        long index = _nextIndex++;
        object? target = InputObject ?? Params ?? Method;
        BusCall? call = Prepare(index, target);
        if (call is not null)
        {
            _running++;
            _ = CompleteAsync(call);
        }

        while (_items.TryTake(out BusCallItem item))
            Deliver(item);

        ShowLog();
    }

    private protected override void End()
    {
        while (_running > 0)
            Deliver(TakeNext());

        ShowLog();
    }

    private BusCall? Prepare(long index, object? target)
    {
        try
        {
            byte[]? parameters = RequestParams.From(InputObject);
            if (parameters is not null && _commonParams is not null)
                parameters = RequestParams.Merge(_commonParams, parameters);

            parameters ??= _commonParams;
            return new BusCall(index, parameters is null ? null : new RawJson(parameters), target);
        }
        catch (JsonConversionException error) when (MyInvocation.ExpectingInput)
        {
            ErrorRecord record = BusErrors.InvalidParams(error, "The input", target);
            Arrange(new BusCallItem(new BusCall(index, null, target), BusCallItemKind.Failure, record, IsLast: true));
            return null;
        }
        catch (JsonConversionException error)
        {
            ThrowTerminatingError(BusErrors.InvalidParams(error, "-InputObject", InputObject));
            return null;
        }
    }

    private async Task CompleteAsync(BusCall call)
    {
        try
        {
            _items.Add(await RunAsync(call).ConfigureAwait(false));
        }
        catch (Exception error)
        {
            _items.Add(new BusCallItem(call, BusCallItemKind.Failure, error, IsLast: true));
        }
    }

    private BusCallItem TakeNext()
    {
        BusCallItem item;
        while (!_items.TryTake(out item, LogLines.PollMilliseconds, Cancellation))
            ShowLog();

        return item;
    }

    private void ShowLog()
    {
        _log?.Show();
        ShowStrayLines(Target);
    }

    private void Deliver(BusCallItem item)
    {
        if (item.IsLast)
            _running--;

        Arrange(item);
    }

    // Without -Ordered an item goes out at once. With it, items of later calls are held until all earlier ones have ended.
    // Of a stream no more is held than it has room for; the rest waits in the bus.
    private void Arrange(BusCallItem item)
    {
        if (!Ordered)
        {
            Write(item);
            return;
        }

        if (item.Call.Index > _nextOrdered)
        {
            if (!_held.TryGetValue(item.Call.Index, out Queue<BusCallItem>? queue))
                _held.Add(item.Call.Index, queue = new Queue<BusCallItem>());

            queue.Enqueue(item);
            return;
        }

        Write(item);
        bool ended = item.IsLast;
        while (ended)
        {
            _nextOrdered++;
            ended = false;
            if (!_held.Remove(_nextOrdered, out Queue<BusCallItem>? queue))
                break;

            foreach (BusCallItem held in queue)
            {
                Write(held);
                ended = held.IsLast;
            }
        }
    }

    private void Write(BusCallItem item)
    {
        BusCall call = item.Call;
        if (item.IsLast && call.EndProgress(Activity) is ProgressRecord end)
            WriteProgress(end);

        switch (item.Kind)
        {
            case BusCallItemKind.Output:
                WriteOne(call, item.Value);
                if (!item.IsLast)
                    call.Room.Release();

                break;
            case BusCallItemKind.Failure:
                WriteFailure(item.Value as ErrorRecord ?? BusErrors.From((Exception)item.Value!, call.Target));
                break;
            case BusCallItemKind.Progress when call.TakeProgress(Activity) is ProgressRecord progress:
                WriteProgress(progress);
                break;
        }
    }

    private void WriteOne(BusCall call, object? value)
    {
        object? output;
        try
        {
            output = Finish(value);
        }
        catch (JsonConversionException error)
        {
            WriteFailure(BusErrors.From(error, call.Target));
            return;
        }

        WriteOutput(output);
    }

    private string Activity => Method ?? Pool ?? "";
}
