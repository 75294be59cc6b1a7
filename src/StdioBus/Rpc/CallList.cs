namespace StdioBus;

/// <summary>Calls in the order in which they were made, linked through themselves: adding and removing cost nothing.</summary>
internal sealed class CallList
{
    private PendingCall? _first;
    private PendingCall? _last;

    /// <summary>The oldest.</summary>
    public PendingCall? First => _first;

    public IEnumerator<PendingCall> GetEnumerator()
    {
        for (PendingCall? call = _first; call is not null; call = call.Next)
            yield return call;
    }

    public void Add(PendingCall call)
    {
        PendingCall? after = _last;
        while (after is not null && after.Id > call.Id)
            after = after.Previous;
        call.List = this;
        call.Previous = after;
        call.Next = after is null ? _first : after.Next;
        if (call.Next is null)
            _last = call;
        else
            call.Next.Previous = call;
        if (after is null)
            _first = call;
        else
            after.Next = call;
    }

    public void Remove(PendingCall call)
    {
        if (call.Previous is null)
            _first = call.Next;
        else
            call.Previous.Next = call.Next;
        if (call.Next is null)
            _last = call.Previous;
        else
            call.Next.Previous = call.Previous;
        call.List = null;
        call.Next = call.Previous = null;
    }
}
