using System.Management.Automation;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>Every error record of the module is made here: a stable id, a category, a target and what to do about it.</summary>
internal static class BusErrors
{
    /// <summary>The record for whatever ended one call.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="target">The input that failed.</param>
    public static ErrorRecord From(Exception error, object? target) => error switch
    {
        StdioBusException known => FromBus(known, target),
        JsonConversionException unreadable => Record(
            new BusNotSupportedException("The answer cannot be made into objects. " + unreadable.Message, unreadable),
            "BusResultUnreadable", ErrorCategory.InvalidResult, target,
            "Use -AsHashtable, which keeps every member, or -Raw, which gives the JSON text."),
        OperationCanceledException => Record(
            new BusCancelledException("The call was cancelled.", error),
            "BusCancelled", ErrorCategory.OperationStopped, target, "Make the call again."),
        _ => Record(
            new BusInternalException($"{error.GetType().Name}: {error.Message}", error),
            "BusInternal", ErrorCategory.NotSpecified, target, "This is a fault of the module: report it with the exception's StackTrace."),
    };

    /// <summary>The record for whatever ended one call of a command; of one among many it names the input.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="call">The call.</param>
    public static ErrorRecord From(Exception error, BusCall call)
    {
        ErrorRecord record = From(error, call.Target);
        if (call.Excerpt is not { } input)
            return record;
        record.CategoryInfo.TargetName = input;
        if (call.IsOneOfMany)
        {
            record.ErrorDetails = new ErrorDetails($"{record.ErrorDetails.Message}{Environment.NewLine}The input was {input}")
            {
                RecommendedAction = record.ErrorDetails.RecommendedAction,
            };
        }

        return record;
    }

    /// <summary>Params, or an input, that cannot become the params of a message.</summary>
    public static ErrorRecord InvalidParams(JsonConversionException error, string parameter, object? target) => Record(
        new BusInvalidArgumentException($"{parameter}: {error.Message}", error),
        "BusInvalidParams", ErrorCategory.InvalidData, target,
        "Pass hashtables, custom objects, arrays and plain values; Select-Object makes custom objects of others.");

    /// <summary>A parameter's value that cannot be used.</summary>
    public static ErrorRecord InvalidArgument(string message, object? target, string action) =>
        Record(new BusInvalidArgumentException(message), "BusInvalidArgument", ErrorCategory.InvalidArgument, target, action);

    public static ErrorRecord BusNotFound(string name, IReadOnlyList<string> open) => Record(
        new BusInvalidArgumentException(
            open.Count == 0 ? $"There is no bus named '{name}': none is open." : $"There is no bus named '{name}'. Open: {string.Join(", ", open)}."),
        "BusNotFound", ErrorCategory.ObjectNotFound, name, "Get-StdioBus lists the open ones.");

    /// <summary>Something else in the place of a bus; its copy in another process, perhaps.</summary>
    public static ErrorRecord NotABus(object given)
    {
        string type = PSObject.AsPSObject(given).TypeNames[0];
        return type == "Deserialized.StdioBus.Bus"
            ? InvalidArgument(
                "This is a copy of a bus of another process; a bus works only in the process that made it.",
                given, "Use Start-ThreadJob or ForEach-Object -Parallel, which stay in this process, instead of Start-Job.")
            : InvalidArgument($"A {type} is no bus.", given, "Pass a bus that New-StdioBus or Get-StdioBus returned, or its name.");
    }

    public static ErrorRecord NoBus() => Record(
        new BusInvalidStateException("No bus is open."),
        "BusNoneOpen", ErrorCategory.ObjectNotFound, null, "Make one with New-StdioBus.");

    public static ErrorRecord SeveralBuses(IReadOnlyList<string> open) => Record(
        new BusInvalidArgumentException(
            $"Several buses are open ({string.Join(", ", open)}) and none of them was made or selected in this runspace."),
        "BusAmbiguous", ErrorCategory.InvalidArgument, null, "Name one with -Bus, or choose one with Select-StdioBus.");

    public static ErrorRecord NotRunning(Bus bus, bool removed) => Record(
        new BusInvalidStateException(
            removed ? $"The bus '{bus.Name}' was removed." : $"The bus '{bus.Name}' is not running: its state is {bus.State}."),
        "BusInvalidState", ErrorCategory.InvalidOperation, bus,
        bus.State == BusState.Created && !removed ? "Start it with Start-StdioBus." : "Make a new one with New-StdioBus.");

    public static ErrorRecord PoolNotFound(Bus bus, string pool) => Record(
        new BusInvalidArgumentException(
            $"The bus '{bus.Name}' has no pool '{pool}'. Its pools: {string.Join(", ", bus.Pools.Select(one => one.Id))}."),
        "BusPoolNotFound", ErrorCategory.ObjectNotFound, pool, "Pass one of the pools to -Pool; names are case-sensitive.");

    public static ErrorRecord WorkerNotFound(Bus bus, int id) => Record(
        new BusInvalidArgumentException($"The bus '{bus.Name}' has no worker {id}."),
        "BusWorkerNotFound", ErrorCategory.ObjectNotFound, id, "Get-BusWorker without -Id lists all.");

    public static ErrorRecord CommandNotFound(string command, string message, string action) =>
        Record(new BusUnavailableException(message), "BusCommandNotFound", ErrorCategory.ObjectNotFound, command, action);

    /// <summary>What kept a bus from starting; a worker's program that is there but does not start, for one.</summary>
    public static ErrorRecord CannotStart(StdioBusException error, object? target) => error.Code switch
    {
        BusErrorCode.Unavailable => Record(
            error, "BusUnavailable", ErrorCategory.ResourceUnavailable, target,
            "Check what the message names: a worker's command must be a program, or a script with a #! line, that may be executed."),
        BusErrorCode.Timeout => Record(
            error, "BusTimeout", ErrorCategory.OperationTimeout, target, "Raise -Timeout, and look at the bus's log with Get-BusLog."),
        BusErrorCode.InvalidState => Record(
            error, "BusInvalidState", ErrorCategory.InvalidOperation, target, "A bus starts once; make a new one with New-StdioBus."),
        BusErrorCode.TransportError when !error.IsWorkerExit => Record(
            error, "BusTransportError", ErrorCategory.OpenError, target, "Check the listener's address: whether it is free, and of this machine."),
        BusErrorCode.PolicyDenied => Record(
            error, "BusPolicyDenied", ErrorCategory.PermissionDenied, target,
            "Listen on a loopback address, or give both -AllowRemote and -AccessToken if other machines are to reach it."),
        _ => FromBus(error, target),
    };

    /// <summary>A file that is there but cannot be read, or is too large to be.</summary>
    public static ErrorRecord FileUnreadable(string path, StdioBusException error) => Record(
        error, "BusFileUnreadable", ErrorCategory.ReadError, path, "Check what the message names: the file's permissions, size and kind.");

    /// <summary>A message of one's own that cannot be sent as it is.</summary>
    public static ErrorRecord InvalidMessage(JsonConversionException error, object? target) => Record(
        new BusInvalidArgumentException($"-Message: {error.Message}", error),
        "BusInvalidMessage", ErrorCategory.InvalidData, target,
        "Pass one JSON-RPC message: JSON text of an object, or a hashtable, with 'method', or with 'id' and 'result' or 'error'.");

    public static ErrorRecord SubscriptionNotFound(Bus bus, int id) => Record(
        new BusInvalidArgumentException($"The bus '{bus.Name}' has no open subscription {id}."),
        "BusSubscriptionNotFound", ErrorCategory.ObjectNotFound, id, "Get-BusSubscription without -Id lists all that are open.");

    public static ErrorRecord FileNotFound(string path, string message) => Record(
        new BusInvalidArgumentException(message), "BusFileNotFound", ErrorCategory.ObjectNotFound, path,
        "Check the path; a relative one starts at the location of this runspace.");

    /// <summary>A subscription that ended by itself while notifications were awaited from it.</summary>
    public static ErrorRecord SubscriptionEnded(Subscription subscription) => subscription.EndReason switch
    {
        SubscriptionEndReason.Overflow => Record(
            new BusResourceException(
                $"Subscription {subscription.Id} closed because its queue was full (-MaxQueue {subscription.MaxQueue}). What it held was delivered."),
            "BusSubscriptionOverflow", ErrorCategory.LimitsExceeded, subscription,
            "Register it again with a larger -MaxQueue, or with another -Overflow policy."),
        _ => Record(
            new BusTransportException($"Subscription {subscription.Id} ended because the workers it listened to are lost."),
            "BusSubscriptionLost", ErrorCategory.ConnectionError, subscription, "Get-BusWorker shows how the workers ended."),
    };

    private static ErrorRecord FromBus(StdioBusException error, object? target)
    {
        (string id, ErrorCategory category, string action) = error.Code switch
        {
            BusErrorCode.InvalidArgument when error is { RpcCode: -32602, Pool: null } =>
                ("BusInvalidArgument", ErrorCategory.InvalidArgument, "Name a pool with -Pool; the message lists them."),
            BusErrorCode.InvalidArgument => ("BusInvalidArgument", ErrorCategory.InvalidArgument, "Correct what the message names."),
            BusErrorCode.InvalidState => ("BusInvalidState", ErrorCategory.InvalidOperation, "Get-StdioBus shows the state of each bus."),
            BusErrorCode.Timeout when error is BusTimeoutException { IsIdle: true } =>
                ("BusTimeout", ErrorCategory.OperationTimeout, "Raise -IdleTimeout, for which the bus's -Timeout counts where a stream names none, or look at what Get-BusWorker says of the worker."),
            BusErrorCode.Timeout => ("BusTimeout", ErrorCategory.OperationTimeout, "Raise -Timeout, or look at what Get-BusWorker says of the worker."),
            BusErrorCode.Cancelled => ("BusCancelled", ErrorCategory.OperationStopped, "Make the call again."),
            BusErrorCode.TransportError when error.IsWorkerExit =>
                ("BusWorkerExited", ErrorCategory.ConnectionError, "The exception's Details hold the worker's last lines on stderr; Get-BusLog shows more of them while the bus is there."),
            BusErrorCode.TransportError => ("BusTransportError", ErrorCategory.ConnectionError, "Get-StdioBus shows whether the bus still runs."),
            BusErrorCode.NegotiationFailed => ("BusNegotiationFailed", ErrorCategory.ProtocolError, "Ask for a version or extensions that the worker has."),
            BusErrorCode.PolicyDenied => ("BusPolicyDenied", ErrorCategory.PermissionDenied, "The worker or the bus refuses this by its policy."),
            BusErrorCode.Unavailable => ("BusUnavailable", ErrorCategory.ResourceUnavailable, "Get-BusWorker shows the workers and why they ended."),
            BusErrorCode.ResourceExhausted => ("BusResourceExhausted", ErrorCategory.LimitsExceeded, "Send less at once, or raise the limit that the message names."),
            BusErrorCode.NotSupported => ("BusNotSupported", ErrorCategory.NotImplemented, "Use what the message offers instead."),
            _ when error.RpcCode is int code => ("BusRpcError", ErrorCategory.InvalidResult, $"{Answerer(error)} with the error {code}; the exception's RpcData holds what else it said."),
            _ => ("BusInternal", ErrorCategory.NotSpecified, "This is a fault of the module: report it with the exception's StackTrace."),
        };
        return Record(error, id, category, target, action);
    }

    private static string Answerer(StdioBusException error) =>
        (error.Pool is null ? "The worker" : $"Pool '{error.Pool}'") + " answered" + (error.Method is null ? "" : $" '{error.Method}'");

    private static ErrorRecord Record(StdioBusException error, string id, ErrorCategory category, object? target, string action)
    {
        string text = string.IsNullOrEmpty(error.Details) ? error.Message : error.Message + Environment.NewLine + error.Details;
        return new ErrorRecord(error, id, category, target) { ErrorDetails = new ErrorDetails(text) { RecommendedAction = action } };
    }
}
