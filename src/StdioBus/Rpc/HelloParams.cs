namespace StdioBus;

/// <summary>What <see cref="Bus.HelloAsync"/> offers an agent.</summary>
public sealed class HelloParams
{
    /// <summary>The version of the protocol: 0.1.0.</summary>
    public string ProtocolVersion { get; set; } = "0.1.0";

    /// <summary>The extensions wanted, by name.</summary>
    public IDictionary<string, HelloExtension> Extensions { get; set; } = new Dictionary<string, HelloExtension>(StringComparer.Ordinal);
}

/// <summary>An extension that is wanted of an agent.</summary>
public sealed class HelloExtension
{
    /// <summary>A wish to be filled in.</summary>
    public HelloExtension()
    {
    }

    /// <summary>A wish.</summary>
    /// <param name="version">The version wanted.</param>
    /// <param name="required">Whether the handshake fails without it.</param>
    public HelloExtension(string version, bool required = false)
    {
        Version = version;
        Required = required;
    }

    /// <summary>The version wanted; null for any.</summary>
    public string? Version { get; set; }

    /// <summary>Whether the handshake fails without it.</summary>
    public bool Required { get; set; }
}
