using System.Management.Automation;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Runs the calls of one command and writes what comes of them, in order where that is wanted. Calls go on on any thread
/// and post items; whoever uses it takes them from there and delivers them, from one thread at a time.
/// </summary>
/// <param name="maker">Makes the calls.</param>
/// <param name="ordered">Whether the output follows the order of the calls.</param>
/// <param name="output">Where the output goes.</param>
/// <param name="post">Takes an item from any thread.</param>
/// <param name="cancellation">Gives up the calls.</param>
internal sealed class BusCallRunner(
    BusCallMaker maker, bool ordered, IBusCallOutput output, Action<BusCallItem> post, CancellationToken cancellation)
{
    private readonly Dictionary<long, Queue<BusCallItem>> _held = [];
    private long _nextOrdered;

    /// <summary>How many calls are under way.</summary>
    public int Running { get; private set; }

    /// <summary>How many calls have ended.</summary>
    public int Ended { get; private set; }

    /// <summary>Starts a call, or notes the refusal of one that cannot be made.</summary>
    public void Start(BusCall call)
    {
        if (call.Refusal is ErrorRecord refusal)
        {
            Ended++;
            Arrange(BusCallItem.Failed(call, refusal));
            return;
        }

        Running++;
        _ = maker.RunAsync(call, post, cancellation);
    }

    /// <summary>Writes what was posted, or keeps it for its turn.</summary>
    public void Deliver(in BusCallItem item)
    {
        Count(item);
        Arrange(item);
    }

    /// <summary>Notes what was posted, when nobody wants the output any more.</summary>
    public void Count(in BusCallItem item)
    {
        if (!item.IsLast)
            return;

        Running--;
        Ended++;
    }

    // Without order an item goes out at once. With it, items of later calls are held until all earlier ones have ended.
    // Of a stream no more is held than it has room for; the rest waits in the bus.
    private void Arrange(in BusCallItem item)
    {
        if (!ordered)
        {
            Write(item);
            return;
        }

        if (item.Call.Index > _nextOrdered)
        {
            if (!_held.TryGetValue(item.Call.Index, out Queue<BusCallItem>? queue))
                _held.Add(item.Call.Index, queue = new Queue<BusCallItem>());

            queue.Enqueue(item);
            return;
        }

        Write(item);
        bool ended = item.IsLast;
        while (ended)
        {
            _nextOrdered++;
            ended = false;
            if (!_held.Remove(_nextOrdered, out Queue<BusCallItem>? queue))
                break;

            foreach (BusCallItem held in queue)
            {
                Write(held);
                ended = held.IsLast;
            }
        }
    }

    private void Write(in BusCallItem item)
    {
        BusCall call = item.Call;
        string activity = maker.Settings.Activity;
        if (item.IsLast && call.EndProgress(activity) is ProgressRecord end)
            output.WriteProgress(end);

        switch (item.Kind)
        {
            case BusCallItemKind.Output:
                WriteOne(call, item.Value);
                if (!item.IsLast)
                    call.Room.Release();

                break;
            case BusCallItemKind.Failure:
                output.WriteFailure(item.Value as ErrorRecord ?? BusErrors.From((Exception)item.Value!, call));
                break;
            case BusCallItemKind.Progress when call.TakeProgress(activity) is ProgressRecord progress:
                output.WriteProgress(progress);
                break;
        }
    }

    private void WriteOne(BusCall call, object? value)
    {
        object? result;
        try
        {
            result = maker.Finish(value);
        }
        catch (JsonConversionException error)
        {
            output.WriteFailure(BusErrors.From(error, call));
            return;
        }

        output.WriteOutput(result);
    }
}
