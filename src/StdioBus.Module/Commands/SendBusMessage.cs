using System.Management.Automation;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Sends a JSON-RPC message of one's own as it is, for protocols that the other commands do not speak. Nobody waits for what
/// answers it: that is seen by raw subscriptions only.
/// </summary>
[Cmdlet(VerbsCommunications.Send, "BusMessage")]
[OutputType(typeof(void))]
public sealed class SendBusMessageCommand : BusCmdlet
{
    private Bus? _bus;
    private LogLines? _log;

    /// <summary>The message: JSON text of one object, or a hashtable or custom object that becomes it. Usually from the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    public object? Message { get; set; }

    /// <summary>The bus: an object or a name. Default: the runspace's current bus, else the only open one.</summary>
    [Parameter]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(BusNameCompleter))]
    public object? Bus { get; set; }

    /// <summary>The pool. May be left out where the bus has only one, or the message names it as its member 'pool'.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PoolIdCompleter))]
    public string? Pool { get; set; }

    /// <summary>The session: messages of one session go to the same worker. Default: sessionId of the message, else of its params.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionIdCompleter))]
    public string? SessionId { get; set; }

    private protected override void Begin()
    {
        _bus = BusResolution.ResolveRunning(Bus);
        BusResolution.CheckPool(_bus, Pool);
        _log = WatchLog(_bus);
    }

    private protected override void Process()
    {
        try
        {
            RawMessage message = RawMessage.From(Message);
            if (message.IsRequest && !message.HasRoute && Pool is null && SessionId is null && _bus!.Pools.Count > 1)
            {
                throw new JsonConversionException(
                    $"the bus '{_bus.Name}' has several pools ({string.Join(", ", _bus.Pools.Select(pool => pool.Id))}), and neither -Pool nor the message's own 'pool' or 'sessionId' says which is meant");
            }

            WaitFor(_bus!.SendAsync(message.Json, new MessageOptions { Pool = Pool, SessionId = SessionId }, Cancellation), _log);
        }
        catch (JsonConversionException error)
        {
            FailInput(BusErrors.InvalidMessage(error, Message));
        }
        catch (StdioBusException error)
        {
            FailInput(BusErrors.From(error, Message));
        }
    }
}
