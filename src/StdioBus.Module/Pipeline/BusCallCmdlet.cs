using System.Management.Automation;
using StdioBus.Module.Jobs;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The base of the commands that make one call per input, several at once. The pipeline thread sends it, so that an input is
/// on its way before the next one is made. What comes of it is handed by other threads, as tagged items, to one queue, from
/// which the pipeline thread takes it whenever it has its turn: at each input, while it waits for a free place, and at the
/// end. With -AsJob the command only gathers the calls, and a job makes them.
/// </summary>
public abstract class BusCallCmdlet : BusMessageCmdlet, IBusCallOutput
{
    private const int DefaultThrottleOfPipeline = 16;

    private readonly BusCallQueue _items = new();
    private readonly List<BusCall> _gathered = [];
    private BusCallMaker _maker = null!;
    private BusCallRunner _runner = null!;
    private byte[]? _commonParams;
    private LogLines? _log;
    private BusNews? _news;
    private int _throttle;
    private long _nextIndex;

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

    /// <summary>Makes the calls in the background: writes one job at once, for all inputs, whose results Receive-Job gives.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    /// <summary>The name of the job, which implies -AsJob. Default: Job and its id.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JobName { get; set; }

    /// <summary>Whether a job makes the calls.</summary>
    private protected bool IsJob => AsJob || JobName is not null;

    /// <summary>What makes the calls of this command. Ends the command when its parameters do not go together.</summary>
    private protected abstract BusCallMaker MakerOf(BusCallSettings settings);

    /// <summary>Writes one object. Runs on the pipeline thread.</summary>
    private protected virtual void WriteOutput(object? value) => WriteObject(value, enumerateCollection: false);

    /// <summary>Writes the error that ended a call. Runs on the pipeline thread.</summary>
    private protected virtual void WriteFailure(ErrorRecord record) => WriteError(record);

    void IBusCallOutput.WriteOutput(object? value) => WriteOutput(value);

    void IBusCallOutput.WriteFailure(ErrorRecord record) => WriteFailure(record);

    void IBusCallOutput.WriteProgress(ProgressRecord record) => WriteProgress(record);

    private protected override void Begin()
    {
        Bus bus = RunningBus();
        if (Method is null && Pool is null)
        {
            ThrowTerminatingError(BusErrors.InvalidArgument(
                "Neither -Method nor -Pool is given.", target: null, "Name the method to call, or a pool, whose default method is then called."));
        }

        _throttle = ThrottleLimit > 0 ? ThrottleLimit : MyInvocation.ExpectingInput ? DefaultThrottleOfPipeline : 1;
        _maker = MakerOf(SettingsFor(bus));
        _runner = new BusCallRunner(_maker, Ordered, this, item => _items.Add(item), Cancellation);
        if (!IsJob)
        {
            _log = WatchLog(bus);
            _news = new BusNews(bus, _log, _items.Wake);
        }

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
        if (IsJob)
        {
            _gathered.Add(Prepare());
            return;
        }

        while (_runner.Running >= _throttle)
            _runner.Deliver(TakeNext());

        _runner.Start(Prepare());
        while (_items.TryTake(out BusCallItem item))
            _runner.Deliver(item);

        ShowLog();
    }

    private protected override void End()
    {
        if (IsJob)
        {
            WriteJob();
            return;
        }

        while (_runner.Running > 0)
            _runner.Deliver(TakeNext());

        ShowLog();
    }

    private protected override void Release() => _news?.Dispose();

    private void WriteJob()
    {
        string command = $"{MyInvocation.MyCommand.Name} {_maker.Settings.Activity}";
        var job = new BusJob(_maker, _gathered, _throttle, Ordered, GetType(), command, JobName, IsVerbose);
        JobRepository.Add(job);
        job.Start();
        WriteObject(job);
    }

    private BusCallSettings SettingsFor(Bus bus)
    {
        var address = new MessageOptions();
        Address(address);
        return new BusCallSettings
        {
            Bus = bus,
            Method = Method,
            Address = address,
            IsOne = !IsJob && !MyInvocation.ExpectingInput,
            Timeout = Timeout,
            IdleTimeout = IdleTimeout,
            ReportProgress = MyInvocation.BoundParameters.ContainsKey(nameof(ReportProgress)) ? ReportProgress.IsPresent : null,
            Reader = AsHashtable ? PowerShellJsonReader.Hashtables : PowerShellJsonReader.Objects,
        };
    }

    // Whatever the input becomes, it has its place in the order of the output.
    private BusCall Prepare()
    {
        long index = _nextIndex++;
        object? target = InputObject ?? Params ?? Method;
        try
        {
            byte[]? parameters = RequestParams.From(InputObject);
            if (parameters is not null && _commonParams is not null)
                parameters = RequestParams.Merge(_commonParams, parameters);

            parameters ??= _commonParams;
            return new BusCall(index, parameters is null ? null : new RawJson(parameters), target) { IsOneOfMany = MyInvocation.ExpectingInput };
        }
        catch (JsonConversionException error)
        {
            if (!MyInvocation.ExpectingInput)
                ThrowTerminatingError(BusErrors.InvalidParams(error, "-InputObject", InputObject));

            return new BusCall(index, null, target) { Refusal = BusErrors.InvalidParams(error, "The input", target) };
        }
    }

    private BusCallItem TakeNext()
    {
        BusCallItem item;
        if (_maker.IsDriven)
        {
            if (_items.TryTake(out item))
                return item;
            _maker.Settings.Bus.Drive();
        }

        while (!_items.Take(out item, Cancellation))
            ShowLog();

        return item;
    }

    private void ShowLog()
    {
        _log?.Show();
        ShowStrayLines(_maker.Settings.Bus);
    }
}
