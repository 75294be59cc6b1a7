using System.Collections;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Handlers;

/// <summary>
/// Answers requests of workers with a script block, in runspaces of its own. It ends when it is unregistered, and with its
/// bus, with the runspace that registered it and with the module there.
/// </summary>
internal sealed class ScriptHandler : IRunspaceHolding
{
    /// <summary>How many requests a handler works on at once.</summary>
    private const int MostAtOnce = 8;

    private static readonly ConditionalWeakTable<BusHandler, ScriptHandler> OfHandler = [];

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HandlerRunspaces _runspaces;
    private readonly Runspace _owner;
    private readonly PSHost _host;
    private readonly string _script;
    private readonly object?[] _arguments;
    private readonly Hashtable _using;
    private BusHandler _handler = null!;
    private int _holds = 1;
    private int _ended;

    private ScriptHandler(PSCmdlet command, ScriptBlock script, object?[] arguments)
    {
        _owner = Runspace.DefaultRunspace;
        _host = command.Host;
        // In a try block an exception ends the script, whatever statement it comes from; otherwise the script would go on. It
        // begins on the first line, so that the lines of its errors are counted as in the script itself.
        _script = $"try {{ . {{ {script}\n}} @args }} catch {{ throw }}";
        _arguments = arguments;
        _using = UsingVariables.Of(script, command);
        _runspaces = new HandlerRunspaces(_host, command.SessionState.LanguageMode, MostAtOnce);
    }

    /// <summary>Registers a script block for a command, on the pipeline thread.</summary>
    public static BusHandler Register(PSCmdlet command, Bus bus, string method, string? pool, ScriptBlock script, object?[] arguments, PowerShellJsonReader reader)
    {
        var added = new ScriptHandler(command, script, arguments);
        BusHandler handler = added._handler = bus.Handle(
            method, added.AnswerAsync, new HandlerOptions { Pool = pool, MaxConcurrent = MostAtOnce, Reader = reader.Read });
        OfHandler.Add(handler, added);
        RunspaceHoldings.Of(added._owner).Add(added, added._owner);
        bus.Stopped += added.OnBusStopped;
        if (bus.State == BusState.Stopped)
            _ = added.EndAsync();

        return handler;
    }

    /// <summary>Ends a registration; what it works on is still answered.</summary>
    public static void Unregister(BusHandler handler)
    {
        handler.Dispose();
        if (OfHandler.TryGetValue(handler, out ScriptHandler? script))
            script.Close();
    }

    /// <inheritdoc/>
    public async Task EndAsync()
    {
        _handler.Dispose();
        Close();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _idle.Task.ConfigureAwait(false);
    }

    private void Close()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1)
            return;

        _handler.Bus.Stopped -= OnBusStopped;
        RunspaceHoldings.Of(_owner).Remove(this);
        _runspaces.Close();
        Release();
    }

    private void OnBusStopped(object? sender, EventArgs e) => _ = EndAsync();

    private void Release()
    {
        if (Interlocked.Decrement(ref _holds) == 0)
            _idle.TrySetResult();
    }

    // On the thread pool.
    private async Task<object?> AnswerAsync(BusRequest request, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _holds);
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping.Token);
            // Params that cannot become objects are an error before the script runs.
            _ = request.Params;
            HandlerRunspace runspace = await _runspaces.TakeAsync(ending.Token).ConfigureAwait(false);
            try
            {
                return await RunAsync(runspace, request, ending.Token).ConfigureAwait(false);
            }
            finally
            {
                _runspaces.Return(runspace);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new BusCancelledException("The handler was removed while it worked on the request.");
        }
        finally
        {
            Release();
        }
    }

    private async Task<object?> RunAsync(HandlerRunspace own, BusRequest request, CancellationToken cancellation)
    {
        Runspace runspace = own.Runspace;
        runspace.SessionStateProxy.SetVariable("_", request);
        using var shell = PowerShell.Create();
        shell.Runspace = runspace;
        shell.AddScript(_script, useLocalScope: true).AddArgument(request);
        foreach (object? argument in _arguments)
            shell.AddArgument(argument);
        if (_using.Count > 0)
            shell.AddParameter(UsingVariables.Parameter, _using);

        using var output = new PSDataCollection<PSObject>();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IAsyncResult running = shell.BeginInvoke<PSObject, PSObject>(null, output, null, _ => ended.SetResult(), null);
        await using (cancellation.Register(shell.Stop).ConfigureAwait(false))
            await ended.Task.ConfigureAwait(false);

        try
        {
            shell.EndInvoke(running);
        }
        catch (PipelineStoppedException)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (RuntimeException error)
        {
            throw Chosen(runspace, error) ?? Failed(new ScriptFailedException(error));
        }
        finally
        {
            Show(shell.Streams);
        }

        if (own.Host.ExitCode is { } code)
            throw Failed(new ScriptFailedException($"The script called exit {code}, which is no answer: return a result, or throw an error."));

        // Nothing is the result null, one object is the result, several are an array.
        Collection<PSObject> results = output.ReadAll();
        return new RawJson(ToJson(runspace, results.Count switch
        {
            0 => null,
            1 => results[0],
            _ => results.ToArray(),
        }));
    }

    private static byte[] ToJson(Runspace runspace, object? value)
    {
        // Properties that are scripts run in the runspace that made them.
        Runspace? before = Runspace.DefaultRunspace;
        Runspace.DefaultRunspace = runspace;
        try
        {
            return PowerShellJsonWriter.Write(value);
        }
        finally
        {
            Runspace.DefaultRunspace = before;
        }
    }

    // An exception of ours says by itself what the worker is told, and so does a thrown hashtable with code and message, for
    // where the language mode lets a script make no exceptions.
    private static Exception? Chosen(Runspace runspace, RuntimeException error)
    {
        if (error is { WasThrownFromThrowStatement: true, ErrorRecord.TargetObject: { } thrown } &&
            (thrown is PSObject wrapped ? wrapped.BaseObject : thrown) is IDictionary chosen &&
            chosen["code"] is int code &&
            chosen["message"] is { } message)
        {
            return new JsonRpcErrorException(code, message.ToString()!, chosen.Contains("data") ? new RawJson(ToJson(runspace, chosen["data"])) : null);
        }

        for (Exception? inner = error; inner is not null; inner = inner.InnerException)
        {
            if (inner is StdioBusException or JsonRpcErrorException)
                return inner;
        }

        return null;
    }

    // Of any other the worker is told the message. Whoever wrote the script sees it too, and where it was: the worker may go
    // on as if nothing were wrong.
    private ScriptFailedException Failed(ScriptFailedException failed)
    {
        _host.UI.WriteErrorLine($"The handler of '{_handler.Method}': {failed}");
        return failed;
    }

    // No pipeline takes these; the person at the host sees them. Warnings and the like the engine shows there itself.
    private void Show(PSDataStreams streams)
    {
        foreach (ErrorRecord error in streams.Error)
            _host.UI.WriteErrorLine($"The handler of '{_handler.Method}': {error}");
    }
}
