namespace StdioBus.Module.Json;

/// <summary>Bounds that hold for JSON in both directions.</summary>
internal static class JsonLimits
{
    /// <summary>Objects and arrays inside each other. One more is an error that names the path: nothing is ever cut off.</summary>
    public const int MaxDepth = 1000;
}
