using System.Text.Json;

namespace StdioBus;

/// <summary>Reads a configuration's text and reports every problem with its JSON path.</summary>
internal static class ConfigReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <summary>Reads a usable configuration.</summary>
    /// <exception cref="BusInvalidArgumentException">It is not usable.</exception>
    public static BusConfig ReadOrThrow(ReadOnlySpan<byte> utf8, string? baseDirectory, string what, List<ConfigProblem> problems)
    {
        BusConfig config = Read(utf8, baseDirectory, problems);
        ThrowOnErrors(problems, what);
        return config;
    }

    /// <summary>
    /// Throws when there are errors; warnings alone pass. With errors they are told too: a key that is unknown is often the one
    /// that is missing, misspelt.
    /// </summary>
    public static void ThrowOnErrors(IReadOnlyList<ConfigProblem> problems, string what)
    {
        if (problems.All(problem => problem.IsWarning))
            return;
        throw new BusInvalidArgumentException(problems.Count == 1
            ? $"In {what}: {problems[0]}"
            : $"In {what}, {problems.Count} problems: {string.Join("; ", problems.OrderBy(problem => problem.IsWarning))}");
    }

    /// <summary>Reads what can be read; problems are added.</summary>
    public static BusConfig Read(ReadOnlySpan<byte> utf8, string? baseDirectory, List<ConfigProblem> problems)
    {
        var config = new BusConfig();
        if (utf8.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        if (utf8.Length > BusConfig.MaxBytes)
        {
            problems.Add(new ConfigProblem("$", $"the configuration has {utf8.Length} bytes; at most {BusConfig.MaxBytes} (4 MiB) are read", false));
            return config;
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(utf8.ToArray(), Options);
        }
        catch (JsonException error)
        {
            problems.Add(new ConfigProblem("$", $"expected one JSON object: {Describe(error)}", false));
            return config;
        }

        using (document)
        {
            var root = new ConfigNode(document.RootElement, "$", problems);
            if (!root.IsObject())
                return config;
            if (document.RootElement.TryGetProperty("mcpServers", out JsonElement servers))
                McpServersReader.Read(new ConfigNode(servers, "$.mcpServers", problems), config);
            else
                ReadKernelFormat(root, config);
        }

        if (baseDirectory is not null)
            ResolvePaths(config, baseDirectory);
        return config;
    }

    private static void ReadKernelFormat(ConfigNode root, BusConfig config)
    {
        var known = new HashSet<(int, string)>();
        foreach ((string name, ConfigNode node) in root.Members(["pools", "limits", "transport"]))
        {
            switch (name)
            {
                case "pools":
                    known.Add((-1, "pools"));
                    if (!node.IsArray())
                        break;
                    foreach (ConfigNode item in node.Items())
                        config.Pools.Add(ReadPool(item, config.Pools.Count, known));
                    if (config.Pools.Count == 0)
                        node.Problem("expected at least one pool");
                    break;
                case "limits":
                    config.Limits = ReadLimits(node);
                    break;
                case "transport":
                    ReadTransport(node);
                    break;
            }
        }

        ConfigChecker.Check(config, root.Problems, (pool, member) => known.Contains((pool, member)));
    }

    private static BusPool ReadPool(ConfigNode node, int index, HashSet<(int, string)> known)
    {
        var pool = new BusPool();
        if (!node.IsObject())
        {
            known.UnionWith([(index, "id"), (index, "command")]);
            return pool;
        }

        foreach ((string name, ConfigNode member) in node.Members(["id", "command", "args", "instances", "env", "cwd", "envelope", "dialect", "default_method", "stderr", "handshake"]))
        {
            switch (name)
            {
                case "id":
                    pool.Id = Text(member, index, name, known);
                    break;
                case "command":
                    pool.Command = Text(member, index, name, known);
                    break;
                case "args":
                    pool.ArgumentList = member.Texts();
                    break;
                case "instances":
                    if (member.WholeNumber(1, ConfigChecker.MostInstances) is { } instances)
                        pool.Instances = (int)instances;
                    else
                        known.Add((index, name));
                    break;
                case "env":
                    pool.Environment = member.TextMap();
                    break;
                case "cwd":
                    pool.WorkingDirectory = member.Text();
                    break;
                case "envelope":
                    pool.Envelope = member.Word(PoolWords.Envelopes);
                    break;
                case "dialect":
                    pool.Dialect = member.Word(PoolWords.Dialects);
                    break;
                case "default_method":
                    pool.DefaultMethod = member.Text();
                    break;
                case "stderr":
                    pool.InheritStandardError = member.Word(StandardErrorWords);
                    break;
                case "handshake":
                    pool.Handshake = member.IsArray() ? [.. member.Items().Select(item => item.Raw())] : [];
                    break;
            }
        }

        return pool;
    }

    private static readonly Dictionary<string, bool> StandardErrorWords = new(StringComparer.Ordinal)
    {
        ["capture"] = false,
        ["inherit"] = true,
    };

    private static string Text(ConfigNode node, int pool, string member, HashSet<(int, string)> known)
    {
        if (node.Text() is { } text)
            return text;
        known.Add((pool, member));
        return "";
    }

    private static BusLimits ReadLimits(ConfigNode node)
    {
        var limits = new BusLimits();
        if (!node.IsObject())
            return limits;
        foreach ((string name, ConfigNode member) in node.Members([.. LimitFields.All.Select(field => field.JsonName)]))
        {
            LimitField field = LimitFields.All.First(field => field.JsonName == name);
            if (member.WholeNumber(field.Min, field.Max) is { } value)
                field.Set(limits, value);
        }

        return limits;
    }

    private static void ReadTransport(ConfigNode node)
    {
        if (!node.IsObject())
            return;
        foreach ((string name, ConfigNode member) in node.Members(["framing", "protocol"]))
            member.Word(new Dictionary<string, bool>(StringComparer.Ordinal) { [name == "framing" ? "ndjson" : "json"] = true });
    }

    private static void ResolvePaths(BusConfig config, string baseDirectory)
    {
        foreach (BusPool pool in config.Pools)
        {
            if (pool.Command.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))
                pool.Command = Path.GetFullPath(pool.Command, baseDirectory);
            if (pool.WorkingDirectory is { Length: > 0 } folder)
                pool.WorkingDirectory = Path.GetFullPath(folder, baseDirectory);
        }
    }

    // Lines and columns are counted from 1, as editors do; the runtime's own message counts from 0.
    private static string Describe(JsonException error)
    {
        int place = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string reason = (place < 0 ? error.Message : error.Message[..place]).TrimEnd('.');
        return error is { LineNumber: long line, BytePositionInLine: long at } ? $"{reason} (line {line + 1}, column {at + 1})" : reason;
    }
}
