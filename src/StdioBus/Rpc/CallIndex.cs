namespace StdioBus;

/// <summary>Finds calls by a text of theirs: a session, or a progress token the caller chose. The oldest come first.</summary>
internal sealed class CallIndex
{
    private readonly Dictionary<string, List<PendingCall>> _calls = new(StringComparer.Ordinal);

    public void Add(string key, PendingCall call)
    {
        if (!_calls.TryGetValue(key, out List<PendingCall>? calls))
            _calls[key] = calls = new List<PendingCall>(1);
        calls.Add(call);
    }

    public void Remove(string key, PendingCall call)
    {
        if (_calls.TryGetValue(key, out List<PendingCall>? calls) && calls.Remove(call) && calls.Count == 0)
            _calls.Remove(key);
    }

    public IReadOnlyList<PendingCall> Find(string key) =>
        _calls.TryGetValue(key, out List<PendingCall>? calls) ? calls : [];
}
