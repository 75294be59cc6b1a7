using System.Collections;
using System.Management.Automation;

namespace StdioBus.Bench.EmptyModule;

/// <summary>What the engine itself costs: a command with the parameters of Invoke-BusRequest that does nothing but write an object.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "EmptyRequest")]
public sealed class InvokeEmptyRequestCommand : PSCmdlet
{
    private static readonly PSObject Result = new();

    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Method { get; set; }

    [Parameter(Position = 1)]
    public object? Params { get; set; }

    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    public object? InputObject { get; set; }

    [Parameter]
    [ValidateNotNull]
    public object? Bus { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Pool { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SessionId { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? AgentId { get; set; }

    [Parameter]
    public IDictionary? Identity { get; set; }

    [Parameter]
    public IDictionary? Audit { get; set; }

    [Parameter]
    public TimeSpan? Timeout { get; set; }

    [Parameter]
    public TimeSpan? IdleTimeout { get; set; }

    [Parameter]
    [ValidateRange(1, 65536)]
    public int ThrottleLimit { get; set; }

    [Parameter]
    public SwitchParameter Ordered { get; set; }

    [Parameter]
    public SwitchParameter AsHashtable { get; set; }

    [Parameter]
    public SwitchParameter ReportProgress { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JobName { get; set; }

    [Parameter]
    public SwitchParameter Raw { get; set; }

    protected override void ProcessRecord() => WriteObject(Result);
}
