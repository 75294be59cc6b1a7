namespace StdioBus;

/// <summary>The names of methods seen on a bus, each as one string however often it comes. Bounded.</summary>
internal sealed class MethodNames
{
    private const int Capacity = 512;
    private readonly object _gate = new();
    private readonly Dictionary<int, List<(byte[] Quoted, string Name)>> _byHash = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The name that a JSON string holds.</summary>
    /// <param name="quoted">The value with its quotes.</param>
    public string Get(ReadOnlySpan<byte> quoted)
    {
        var hasher = default(HashCode);
        hasher.AddBytes(quoted);
        int hash = hasher.ToHashCode();
        lock (_gate)
        {
            if (_byHash.TryGetValue(hash, out var entries))
                foreach ((byte[] known, string name) in entries)
                    if (quoted.SequenceEqual(known))
                        return name;
        }

        string decoded = JsonStrings.Decode(quoted);
        lock (_gate)
        {
            if (_names.Count >= Capacity)
                return decoded;
            if (!_byHash.TryGetValue(hash, out var entries))
                _byHash[hash] = entries = [];
            entries.Add((quoted.ToArray(), decoded));
            _names.Add(decoded);
        }

        return decoded;
    }

    /// <summary>Notes a method that was sent.</summary>
    public void Note(string name)
    {
        lock (_gate)
            if (_names.Count < Capacity)
                _names.Add(name);
    }

    /// <summary>The names seen so far, sorted.</summary>
    public IReadOnlyCollection<string> ToSortedArray()
    {
        lock (_gate)
        {
            string[] names = [.. _names];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
    }
}
