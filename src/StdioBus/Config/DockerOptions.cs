namespace StdioBus;

/// <summary>When the image of a container is pulled.</summary>
public enum PullPolicy
{
    /// <summary>Never: it must be there.</summary>
    Never = 0,

    /// <summary>When it is not there.</summary>
    IfMissing = 1,

    /// <summary>Before every start.</summary>
    Always = 2,
}

/// <summary>Options of a kernel that runs in a container.</summary>
public sealed class DockerOptions
{
    /// <summary>The image to run.</summary>
    public string? Image { get; set; }

    /// <summary>When the image is pulled.</summary>
    public PullPolicy PullPolicy { get; set; } = PullPolicy.IfMissing;

    /// <summary>The engine's program: docker or podman. Null: whichever is on PATH, docker first.</summary>
    public string? EnginePath { get; set; }

    /// <summary>How long the container may take until it serves: 15 s.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>What the container's name begins with; the rest is made for each bus.</summary>
    public string ContainerNamePrefix { get; set; } = "stdiobus";

    /// <summary>Further arguments of the engine's <c>run</c>, passed as they are.</summary>
    public IList<string> ExtraArgs { get; set; } = [];

    /// <summary>Variables of the container's environment.</summary>
    public IDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    internal DockerOptions Copy()
    {
        var copy = (DockerOptions)MemberwiseClone();
        copy.ExtraArgs = [.. ExtraArgs];
        copy.Environment = new Dictionary<string, string>(Environment, StringComparer.Ordinal);
        return copy;
    }
}
