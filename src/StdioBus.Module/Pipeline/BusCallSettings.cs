using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>What all calls of one command have in common, as it was when the command began.</summary>
internal sealed class BusCallSettings
{
    public required Bus Bus { get; init; }

    public required string? Method { get; init; }

    /// <summary>Where messages go, and on whose behalf.</summary>
    public required MessageOptions Address { get; init; }

    /// <summary>Whether the command makes a single call and waits for it.</summary>
    public required bool IsOne { get; init; }

    public required TimeSpan? Timeout { get; init; }

    public required TimeSpan? IdleTimeout { get; init; }

    public required bool? ReportProgress { get; init; }

    /// <summary>How JSON becomes objects.</summary>
    public required PowerShellJsonReader Reader { get; init; }

    /// <summary>What the calls are named where people read of them.</summary>
    public string Activity => Method ?? Address.Pool ?? "";

    /// <summary>Fills in the options of one call.</summary>
    public TOptions Apply<TOptions>(TOptions options)
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
        return options;
    }
}
