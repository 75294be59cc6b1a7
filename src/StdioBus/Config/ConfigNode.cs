using System.Text.Json;

namespace StdioBus;

/// <summary>A value of a configuration with its JSON path: reads what is expected there, or reports what it found.</summary>
internal readonly struct ConfigNode(JsonElement element, string path, List<ConfigProblem> problems)
{
    public List<ConfigProblem> Problems => problems;

    public void Problem(string message) => problems.Add(new ConfigProblem(path, message, IsWarning: false));

    public void Warn(string message) => problems.Add(new ConfigProblem(path, message, IsWarning: true));

    /// <summary>Whether an object has a member of this name.</summary>
    public bool Has(string name) => element.TryGetProperty(name, out _);

    public bool IsObject() => Is(JsonValueKind.Object, "an object");

    public bool IsArray() => Is(JsonValueKind.Array, "an array");

    /// <summary>The members with known names. Names that begin with '_' are comments, others are a warning.</summary>
    public IEnumerable<(string Name, ConfigNode Node)> Members(IReadOnlyCollection<string> known)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string at = $"{path}.{member.Name}";
            if (member.Name.StartsWith('_'))
                continue;
            if (!known.Contains(member.Name))
                problems.Add(new ConfigProblem(at, $"unknown key, ignored; known here: {string.Join(", ", known)}", IsWarning: true));
            else if (!seen.Add(member.Name))
                problems.Add(new ConfigProblem(at, "the key is given more than once", IsWarning: false));
            else
                yield return (member.Name, new ConfigNode(member.Value, at, problems));
        }
    }

    /// <summary>All members, whatever their names.</summary>
    public IEnumerable<(string Name, ConfigNode Node)> AllMembers() =>
        Members([.. element.EnumerateObject().Select(member => member.Name).Distinct()]);

    public IEnumerable<ConfigNode> Items()
    {
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            yield return new ConfigNode(item, $"{path}[{index++}]", problems);
    }

    /// <summary>A string; null when it is none, which is reported.</summary>
    public string? Text()
    {
        if (!Is(JsonValueKind.String, "a string"))
            return null;
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            Problem("expected valid Unicode text; it has half a surrogate pair");
            return null;
        }
    }

    /// <summary>Strings, each read by <paramref name="read"/>; null: as they stand.</summary>
    public IList<string> Texts(Func<ConfigNode, string?>? read = null)
    {
        var texts = new List<string>();
        if (IsArray())
            foreach (ConfigNode item in Items())
                if ((read is null ? item.Text() : read(item)) is { } text)
                    texts.Add(text);
        return texts;
    }

    /// <summary>Strings by name, each read by <paramref name="read"/>; null: as they stand.</summary>
    public IDictionary<string, string> TextMap(Func<ConfigNode, string?>? read = null)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!IsObject())
            return map;
        foreach (JsonProperty member in element.EnumerateObject())
        {
            var node = new ConfigNode(member.Value, $"{path}.{member.Name}", problems);
            if ((read is null ? node.Text() : read(node)) is { } text && !map.TryAdd(member.Name, text))
                node.Problem("the key is given more than once");
        }

        return map;
    }

    public long? WholeNumber(long min, long max)
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long number) && number >= min && number <= max)
            return number;
        Problem($"expected a whole number from {min} to {max}, got {Excerpt()}");
        return null;
    }

    /// <summary>The value as it stands in the text.</summary>
    public RawJson Raw() => new(element.GetRawText());

    /// <summary>Reports what is no id that the kernel can know again: neither a string nor a whole number.</summary>
    public void RequestId()
    {
        if (element.ValueKind == JsonValueKind.String)
            Text();
        else if (element.ValueKind != JsonValueKind.Number || element.GetRawText().AsSpan().ContainsAny('.', 'e', 'E'))
            Problem($"expected a string or a whole number, got {Excerpt()}");
    }

    /// <summary>Reports what is neither an object nor an array.</summary>
    public void ObjectOrArray()
    {
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            Problem($"expected an object or an array, got {Excerpt()}");
    }

    public bool Flag()
    {
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return element.ValueKind == JsonValueKind.True;
        Problem($"expected true or false, got {Excerpt()}");
        return false;
    }

    public T Word<T>(IReadOnlyDictionary<string, T> words)
    {
        if (element.ValueKind == JsonValueKind.String && words.TryGetValue(element.GetString()!, out T? value))
            return value;
        Problem($"expected {string.Join(" or ", words.Keys.Select(word => $"\"{word}\""))}, got {Excerpt()}");
        return default!;
    }

    private bool Is(JsonValueKind kind, string name)
    {
        if (element.ValueKind == kind)
            return true;
        Problem($"expected {name}, got {Excerpt()}");
        return false;
    }

    private string Excerpt()
    {
        string text = element.GetRawText();
        return text.Length <= 40 ? text : text[..40] + " …";
    }
}
