namespace StdioBus.Module.Pipeline;

/// <summary>What an item on its way to the pipeline thread is.</summary>
internal enum BusCallItemKind
{
    /// <summary>An object for the output.</summary>
    Output,

    /// <summary>An exception for the error stream.</summary>
    Failure,

    /// <summary>News of a call's progress, which the call holds.</summary>
    Progress,

    /// <summary>Nothing but the end of the call.</summary>
    End,
}

/// <summary>Something a call has for the pipeline thread, the only one that may write.</summary>
/// <param name="Call">The call.</param>
/// <param name="Kind">What <paramref name="Value"/> is.</param>
/// <param name="Value">The output, or the exception.</param>
/// <param name="IsLast">Whether the call has ended with this.</param>
internal readonly record struct BusCallItem(BusCall Call, BusCallItemKind Kind, object? Value, bool IsLast)
{
    /// <summary>The end of a call that failed.</summary>
    public static BusCallItem Failed(BusCall call, object errorOrRecord) => new(call, BusCallItemKind.Failure, errorOrRecord, IsLast: true);
}
