using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// The base of all cmdlets here. It makes sure that no command forgets to stop: whatever ends a command early (Ctrl+C, a
/// downstream command that has had enough, any exception) cancels <see cref="Cancellation"/>, which every wait and every call
/// of the command observes. The engine announces the first by StopProcessing, but the second only by an exception out
/// of a Write method followed by Dispose; so all three places cancel, and each may do so again.
/// </summary>
public abstract class BusCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    private protected BusCmdlet()
    {
    }

    /// <summary>Cancelled when the command is to end early.</summary>
    private protected CancellationToken Cancellation => _stopping.Token;

    /// <inheritdoc/>
    protected sealed override void BeginProcessing() => Guard(static command => command.Begin());

    /// <inheritdoc/>
    protected sealed override void ProcessRecord() => Guard(static command => command.Process(), isInput: true);

    /// <inheritdoc/>
    protected sealed override void EndProcessing() => Guard(static command => command.End());

    /// <inheritdoc/>
    protected sealed override void StopProcessing() => _stopping.Cancel();

    /// <summary>Ends what the command still has under way.</summary>
    public void Dispose()
    {
        // Calls under way still hold the token; without a timer the source itself needs no disposal.
        _stopping.Cancel();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the command holds beyond its calls.</summary>
    private protected virtual void Release()
    {
    }

    private protected virtual void Begin()
    {
    }

    private protected virtual void Process()
    {
    }

    private protected virtual void End()
    {
    }

    /// <summary>
    /// Waits on the pipeline thread until the work ends or the command is stopped, showing meanwhile log lines and, if
    /// the bus is given, what its workers write that is no message.
    /// </summary>
    private protected void WaitFor(Task work, LogLines? log = null, Bus? bus = null) => WaitFor(work, [(bus, log)]);

    /// <inheritdoc cref="WaitFor(Task, LogLines, Bus)"/>
    private protected void WaitFor(Task work, IReadOnlyList<(Bus? Bus, LogLines? Log)> watched)
    {
        // Not disposed: it holds no handle, and may be set when the wait is over.
        var woken = new ManualResetEventSlim();
        _ = work.ContinueWith(static (_, set) => ((ManualResetEventSlim)set!).Set(), woken, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        BusNews[] news = [.. watched.Select(one => new BusNews(one.Bus, one.Log, woken.Set))];
        try
        {
            // Once at least: what there is to show may have come before, and the work be done already.
            bool ended = work.IsCompleted;
            Show();
            while (!ended)
            {
                woken.Wait(Cancellation);
                woken.Reset();
                ended = work.IsCompleted;
                Show();
            }
        }
        finally
        {
            foreach (BusNews one in news)
                one.Dispose();
        }

        void Show()
        {
            foreach ((Bus? bus, LogLines? log) in watched)
            {
                log?.Show();
                if (bus is not null)
                    ShowStrayLines(bus);
            }
        }

        work.GetAwaiter().GetResult();
    }

    /// <summary>Writes the error of one input: it ends the command, unless others may follow in the pipeline.</summary>
    private protected void FailInput(ErrorRecord record) => Fail(record, isInput: true);

    private void Fail(ErrorRecord record, bool isInput)
    {
        if (isInput && MyInvocation.ExpectingInput)
        {
            WriteError(record);
            return;
        }

        _stopping.Cancel();
        ThrowTerminatingError(record);
    }

    /// <summary>The kernel's log lines for -Verbose, or null when nobody wants to see them.</summary>
    private protected LogLines? WatchLog(Bus bus) => IsVerbose ? new LogLines(bus, WriteVerbose) : null;

    /// <summary>Warns of workers that write to stdout what is no message, once for each.</summary>
    private protected void ShowStrayLines(Bus bus) => StrayLines.Of(bus).Show(bus, this);

    /// <summary>Whether somebody wants to see verbose messages.</summary>
    private protected bool IsVerbose =>
        MyInvocation.BoundParameters.TryGetValue("Verbose", out object? given)
            ? given is SwitchParameter { IsPresent: true }
            : LanguagePrimitives.TryConvertTo(GetVariableValue("VerbosePreference"), out ActionPreference preference)
                && preference is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore);

    /// <summary>What an error names as its target that is of no single call.</summary>
    private protected virtual object? ErrorTarget => null;

    private void Guard(Action<BusCmdlet> step, bool isInput = false)
    {
        try
        {
            step(this);
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        catch (CommandFailedException failed)
        {
            Fail(failed.Record, isInput);
        }
        catch (StdioBusException error)
        {
            Fail(BusErrors.From(error, ErrorTarget), isInput);
        }
        catch
        {
            _stopping.Cancel();
            throw;
        }
    }
}
