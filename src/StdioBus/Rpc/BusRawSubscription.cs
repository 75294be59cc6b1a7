namespace StdioBus;

/// <summary>
/// A bounded queue of every line from the workers: requests, answers and notifications, whoever else they are for. It
/// takes nothing away from anybody.
/// </summary>
public sealed class BusRawSubscription : Subscription<BusMessage>
{
    internal BusRawSubscription(Bus bus, int id, SubscriptionOptions options, WorkerFlow flow)
        : base(bus, id, options, flow)
    {
    }

    /// <summary>Offers a line; on the loop thread.</summary>
    /// <returns>Whether one was dropped.</returns>
    internal bool Offer(in IncomingMessage message, in MessageView view, MethodNames methods, string pool, ref BusMessage? copy)
    {
        if (IsClosed || (Pool is not null && Pool != pool))
            return false;
        if (Method is not null && !(view.Method.IsString(message.Json) && MethodPattern.Matches(Method, methods.Get(view.Method.Of(message.Json)))))
            return false;
        copy ??= new BusMessage(KindOf(message, view), message.WorkerId, pool, message.Json.ToArray());
        return Put(copy, message.WorkerId);
    }

    private static MessageKind KindOf(in IncomingMessage message, in MessageView view) =>
        view.Method.IsString(message.Json) ? view.Id.IsPresent ? MessageKind.Request : MessageKind.Notification
        : view.Id.IsPresent ? MessageKind.Response
        : MessageKind.Other;
}
