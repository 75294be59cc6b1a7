using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>What all calls of one command have in common, as it was when the command began.</summary>
internal sealed class BusCallSettings
{
    public required Bus Bus { get; init; }

    public required string? Method { get; init; }

    /// <summary>Where messages go, and on whose behalf.</summary>
    public required MessageOptions Address { get; init; }

    public required TimeSpan? Timeout { get; init; }

    public required TimeSpan? IdleTimeout { get; init; }

    public required bool? ReportProgress { get; init; }

    /// <summary>How JSON becomes objects.</summary>
    public required PowerShellJsonReader Reader { get; init; }

    /// <summary>What the calls are named where people read of them.</summary>
    public string Activity => Method ?? Address.Pool ?? "";

    /// <summary>Fills in the options of one call.</summary>
    /// <param name="options">The options.</param>
    /// <param name="call">The call.</param>
    /// <param name="post">Takes an item of the call from any thread.</param>
    public TOptions Apply<TOptions>(TOptions options, BusCall call, Action<BusCallItem> post)
        where TOptions : RequestOptions
    {
        options.Pool = Address.Pool;
        options.SessionId = Address.SessionId;
        options.AgentId = Address.AgentId;
        options.Identity = Address.Identity;
        options.Audit = Address.Audit;
        options.Timeout = Timeout;
        options.IdleTimeout = IdleTimeout;
        options.ReportProgress = ReportProgress;
        options.Reader = Reader.Read;
        options.OnProgress = notification =>
        {
            if (notification.Method == "notifications/progress" && call.OfferProgress(notification))
                post(new BusCallItem(call, BusCallItemKind.Progress, Value: null, IsLast: false));
        };
        return options;
    }
}
