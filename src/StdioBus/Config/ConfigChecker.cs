namespace StdioBus;

/// <summary>Finds what is wrong with a configuration, all at once, each with its JSON path.</summary>
internal static class ConfigChecker
{
    internal const int MostInstances = 4096;

    public static IReadOnlyList<ConfigProblem> Check(BusConfig config)
    {
        var problems = new List<ConfigProblem>();
        Check(config, problems, static (_, _) => false);
        return problems;
    }

    /// <summary>The same, for a configuration that was read from text.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="problems">Gets the problems.</param>
    /// <param name="isKnown">Whether a problem of this pool's member was reported already; the pool is -1 for limits.</param>
    public static void Check(BusConfig config, List<ConfigProblem> problems, Func<int, string, bool> isKnown)
    {
        if (config.Pools is null || config.Pools.Count == 0)
        {
            if (!isKnown(-1, "pools"))
                Add(problems, "$.pools", "expected at least one pool");
        }
        else
        {
            CheckPools(config.Pools, problems, isKnown);
        }

        if (config.Limits is { } limits)
            foreach (LimitField field in LimitFields.All)
                if (field.Get(limits) is { } value && (value < field.Min || value > field.Max))
                    Add(problems, $"$.limits.{field.JsonName}", $"expected a whole number from {field.Min} to {field.Max}, got {value}");
    }

    private static void CheckPools(IList<BusPool> pools, List<ConfigProblem> problems, Func<int, string, bool> isKnown)
    {
        var firstWithId = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < pools.Count; i++)
        {
            string path = $"$.pools[{i}]";
            if (pools[i] is not { } pool)
            {
                Add(problems, path, "expected a pool, got null");
                continue;
            }

            CheckText(pool.Id, "id", i);
            CheckText(pool.Command, "command", i);
            if (!string.IsNullOrEmpty(pool.Id) && !firstWithId.TryAdd(pool.Id, i))
                Add(problems, $"{path}.id", $"'{pool.Id}' is the id of pool {firstWithId[pool.Id]} already; ids must be unique");
            if (!isKnown(i, "instances") && pool.Instances is < 1 or > MostInstances)
                Add(problems, $"{path}.instances", $"expected a whole number from 1 to {MostInstances}, got {pool.Instances}");
            if (!Enum.IsDefined(pool.Envelope))
                Add(problems, $"{path}.envelope", $"expected Standard or StdioBus, got {(int)pool.Envelope}");
            if (!Enum.IsDefined(pool.Dialect))
                Add(problems, $"{path}.dialect", $"expected Auto, Plain, Mcp, Acp or JsonRpcCancel, got {(int)pool.Dialect}");
            if (pool.WorkingDirectory is { } folder && (folder.Length == 0 || folder.Contains('\0')))
                Add(problems, $"{path}.cwd", "expected a text that is not empty and has no NUL character");
            if (pool.DefaultMethod is { Length: 0 })
                Add(problems, $"{path}.default_method", "expected a text that is not empty");
            CheckArguments(pool, path, problems);
            HandshakeChecker.Check(pool.Handshake, $"{path}.handshake", problems);
        }

        void CheckText(string? text, string member, int index)
        {
            if (isKnown(index, member))
                return;
            if (string.IsNullOrEmpty(text))
                Add(problems, $"$.pools[{index}].{member}", "required: expected a text that is not empty");
            else if (text.Contains('\0'))
                Add(problems, $"$.pools[{index}].{member}", "expected a text without NUL character");
        }
    }

    private static void CheckArguments(BusPool pool, string path, List<ConfigProblem> problems)
    {
        for (int i = 0; i < (pool.ArgumentList?.Count ?? 0); i++)
            if (pool.ArgumentList![i] is not { } argument || argument.Contains('\0'))
                Add(problems, $"{path}.args[{i}]", "expected a text without NUL character");
        foreach ((string name, string value) in pool.Environment ?? new Dictionary<string, string>())
        {
            if (name.Length == 0 || name.Contains('=') || name.Contains('\0'))
                Add(problems, $"{path}.env.{name}", "the name of a variable must not be empty or contain '=' or a NUL character");
            if (value is null || value.Contains('\0'))
                Add(problems, $"{path}.env.{name}", "expected a text without NUL character");
        }
    }

    private static void Add(List<ConfigProblem> problems, string path, string message) =>
        problems.Add(new ConfigProblem(path, message, IsWarning: false));
}
