namespace StdioBus;

/// <summary>The words that stand for envelopes and dialects in a configuration.</summary>
internal static class PoolWords
{
    public static readonly IReadOnlyDictionary<string, EnvelopeKind> Envelopes = new Dictionary<string, EnvelopeKind>(StringComparer.Ordinal)
    {
        ["standard"] = EnvelopeKind.Standard,
        ["stdiobus"] = EnvelopeKind.StdioBus,
    };

    public static readonly IReadOnlyDictionary<string, Dialect> Dialects = new Dictionary<string, Dialect>(StringComparer.Ordinal)
    {
        ["auto"] = Dialect.Auto,
        ["plain"] = Dialect.Plain,
        ["mcp"] = Dialect.Mcp,
        ["acp"] = Dialect.Acp,
        ["jsonrpc-cancel"] = Dialect.JsonRpcCancel,
    };

    public static string Name(EnvelopeKind envelope) => Envelopes.First(pair => pair.Value == envelope).Key;

    public static string Name(Dialect dialect) => Dialects.First(pair => pair.Value == dialect).Key;
}
