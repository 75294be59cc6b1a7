using System.Collections.Specialized;
using System.Management.Automation;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Sends a request and writes its result. With input from the pipeline it sends one request per input, many at once, and
/// writes each result as it comes: a failed one is an error record whose target is the input, and the rest go on.
/// </summary>
[Cmdlet(VerbsLifecycle.Invoke, "BusRequest")]
[OutputType(typeof(PSObject), typeof(OrderedDictionary), typeof(object[]), typeof(string), typeof(long), typeof(double), typeof(bool), typeof(Job))]
public sealed class InvokeBusRequestCommand : BusCallCmdlet
{
    /// <summary>Writes the JSON text of the result as the worker sent it, unconverted.</summary>
    [Parameter]
    public SwitchParameter Raw { get; set; }

    private protected override BusCallMaker MakerOf(BusCallSettings settings) => new RequestMaker(settings, Raw);
}
