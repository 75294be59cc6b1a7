using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Threading.Channels;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Jobs;

/// <summary>
/// The calls of one command, made in the background. No thread belongs to it: one loop on the thread pool starts the
/// calls, takes what comes of them and is the only one that writes to the streams of the job. The job reaches its last
/// state when that loop has ended, so nothing is written later.
/// </summary>
internal sealed class BusJob : Job, IBusCallOutput, IRunspaceHolding
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<BusCallItem> _items = Channel.CreateUnbounded<BusCallItem>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Queue<BusCall> _waiting;
    private readonly BusCallRunner _runner;
    private readonly LogLines? _log;
    private readonly Bus _bus;
    private readonly Runspace _owner;
    private readonly string _origin;
    private readonly int _count;
    private readonly int _throttle;
    private Task _run = Task.CompletedTask;
    private int _failed;
    private Exception? _fault;

    /// <param name="maker">Makes the calls.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="throttle">How many of them run at once.</param>
    /// <param name="ordered">Whether the output follows their order.</param>
    /// <param name="origin">The type of the command, which is the second part of the ids of its errors.</param>
    /// <param name="command">The command that the job does, as people read it.</param>
    /// <param name="name">The job's name; null for one that the engine makes up.</param>
    /// <param name="verbose">Whether the lines that the bus logs go to the job's verbose stream.</param>
    public BusJob(BusCallMaker maker, IReadOnlyCollection<BusCall> calls, int throttle, bool ordered, Type origin, string command, string? name, bool verbose)
        : base(command, name)
    {
        PSJobTypeName = "BusJob";
        _waiting = new Queue<BusCall>(calls);
        _count = calls.Count;
        _throttle = throttle;
        _origin = origin.FullName!;
        _bus = maker.Settings.Bus;
        _owner = Runspace.DefaultRunspace;
        // The channel has no bound: what a call has under way is bounded by the call.
        _runner = new BusCallRunner(maker, ordered, this, item => _items.Writer.TryWrite(item), _stopping.Token);
        _log = verbose ? new LogLines(_bus, line => Verbose.Add(new VerboseRecord(line))) : null;
    }

    /// <summary>The name of the bus.</summary>
    public override string Location => _bus.Name;

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0 || Progress.Count > 0 || Verbose.Count > 0 || Warning.Count > 0;

    /// <summary>How far it has come; or what broke it, which the engine has no other public place for.</summary>
    public override string StatusMessage => _fault is Exception fault
        ? $"{fault.GetType().Name}: {fault.Message}"
        : string.Create(CultureInfo.CurrentCulture, $"{_runner.Ended} of {_count} done{(_failed > 0 ? $", {_failed} failed" : "")}");

    /// <summary>Starts it; it ends when the runspace of this thread closes or removes the module, if not before.</summary>
    public void Start()
    {
        SetJobState(JobState.Running);
        RunspaceHoldings.Of(_owner).Add(this, _owner);
        _run = Task.Run(RunAsync);
    }

    /// <summary>Gives up the calls and returns when nothing of the job runs any more.</summary>
    public override void StopJob()
    {
        _stopping.Cancel();
        // In its last state the loop does nothing more than to tell of it, and who is told, on its thread, may remove the job.
        if (JobStateInfo.State is not (JobState.Completed or JobState.Failed or JobState.Stopped))
            _run.Wait();
    }

    /// <inheritdoc/>
    public Task EndAsync()
    {
        _stopping.Cancel();
        return _run;
    }

    /// <inheritdoc/>
    public void WriteOutput(object? value) => Output.Add(value is null ? null! : PSObject.AsPSObject(value));

    /// <inheritdoc/>
    public void WriteFailure(ErrorRecord record)
    {
        // A call that was given up, with the job, has not failed.
        if (_stopping.IsCancellationRequested)
            return;

        _failed++;
        // As if the command had written it, which is what adds the second part otherwise.
        Error.Add(new ErrorRecord(record.Exception, $"{record.FullyQualifiedErrorId},{_origin}", record.CategoryInfo.Category, record.TargetObject)
        {
            ErrorDetails = record.ErrorDetails,
            CategoryInfo = { Activity = Command.Split(' ')[0] },
        });
    }

    /// <inheritdoc/>
    public void WriteProgress(ProgressRecord record) => Progress.Add(record);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            StopJob();

        base.Dispose(disposing);
    }

    private async Task RunAsync()
    {
        try
        {
            await RunCallsAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Thrown by what somebody has hung on the streams of the job: its state says so, once no call runs any more.
            _fault = error;
            _stopping.Cancel();
            while (_runner.Running > 0)
                _runner.Count(await _items.Reader.ReadAsync().ConfigureAwait(false));
        }

        RunspaceHoldings.Of(_owner).Remove(this);
        SetJobState(EndState());
    }

    private async Task RunCallsAsync()
    {
        while (true)
        {
            while (_runner.Running < _throttle && !_stopping.IsCancellationRequested && _waiting.TryDequeue(out BusCall? call))
                _runner.Start(call);

            if (_runner.Running == 0)
                break;

            BusCallItem next = await NextAsync().ConfigureAwait(false);
            ShowStrayLines();
            _runner.Deliver(next);
        }

        _log?.Show();
        ShowStrayLines();
    }

    private void ShowStrayLines()
    {
        while (StrayLines.Of(_bus).Take(_bus) is { } warning)
            Warning.Add(new WarningRecord(warning));
    }

    private async Task<BusCallItem> NextAsync()
    {
        if (_log is not null)
        {
            using var waiting = new CancellationTokenSource();
            Task<bool> ready = _items.Reader.WaitToReadAsync().AsTask(), more;
            do
            {
                _log.Show();
                more = _log.WaitAsync(waiting.Token);
            }
            while (await Task.WhenAny(ready, more).ConfigureAwait(false) != ready && await more.ConfigureAwait(false));
            await waiting.CancelAsync().ConfigureAwait(false);
        }

        return await _items.Reader.ReadAsync().ConfigureAwait(false);
    }

    private JobState EndState()
    {
        if (_fault is not null)
            return JobState.Failed;
        if (_stopping.IsCancellationRequested)
            return JobState.Stopped;

        return _failed > 0 && _failed == _count ? JobState.Failed : JobState.Completed;
    }
}
