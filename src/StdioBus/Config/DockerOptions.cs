using System.Buffers;

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

/// <summary>
/// Options of a kernel that runs in a container, with its workers: commands and paths of the configuration are those of the
/// image. The engine has to run on this machine, as its port on 127.0.0.1 is connected to.
/// </summary>
public sealed class DockerOptions
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromDays(1);
    private static readonly SearchValues<char> NotInNames = SearchValues.Create(" \t\r\n\0");

    /// <summary>
    /// The image to run, required: one whose entry point is the daemon <c>stdio_bus</c> and that has the workers' programs.
    /// </summary>
    public string? Image { get; set; }

    /// <summary>When the image is pulled.</summary>
    public PullPolicy PullPolicy { get; set; } = PullPolicy.IfMissing;

    /// <summary>The engine's program: docker or podman. Null: whichever is on PATH, docker first.</summary>
    public string? EnginePath { get; set; }

    /// <summary>How long the container may take from when its image is there until it serves: 15 s. Zero or infinite: as long as it takes.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>What the container's name begins with; the rest is made for each bus. Letters, digits, and <c>_ . -</c> behind the first.</summary>
    public string ContainerNamePrefix { get; set; } = "stdiobus";

    /// <summary>Further arguments of the engine's <c>create</c>, such as <c>--volume</c>, passed as they are.</summary>
    public IList<string> ExtraArgs { get; set; } = [];

    /// <summary>Variables of the container's environment. Whoever may ask the engine can see them: what is secret belongs in <see cref="BusPool.Environment"/>.</summary>
    public IDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    internal DockerOptions Copy()
    {
        var copy = (DockerOptions)MemberwiseClone();
        copy.ExtraArgs = [.. ExtraArgs];
        copy.Environment = new Dictionary<string, string>(Environment, StringComparer.Ordinal);
        return copy;
    }

    internal DockerOptions Checked()
    {
        if (string.IsNullOrEmpty(Image) || Image[0] == '-' || Image.AsSpan().ContainsAny(NotInNames))
            throw new BusInvalidArgumentException($"{nameof(Image)}: expected the name of an image, got {(Image is null ? "none" : $"'{Image}'")}.");
        if (!Enum.IsDefined(PullPolicy))
            throw new BusInvalidArgumentException($"{nameof(PullPolicy)}: expected Never, IfMissing or Always, got {(int)PullPolicy}.");
        if (EnginePath is { } path && (path.Length == 0 || path.Contains('\0')))
            throw new BusInvalidArgumentException($"{nameof(EnginePath)}: expected a path or a name that is not empty and has no NUL character.");
        StartupTimeout = BusOptionsReader.Limit(nameof(StartupTimeout), StartupTimeout) ?? System.Threading.Timeout.InfiniteTimeSpan;
        if (StartupTimeout > LongestStart)
            throw new BusInvalidArgumentException($"{nameof(StartupTimeout)}: expected at most {LongestStart.TotalDays} days, got {StartupTimeout}.");
        if (ContainerNamePrefix is not { Length: > 0 and <= 100 } prefix || !char.IsAsciiLetterOrDigit(prefix[0]) || !prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-'))
            throw new BusInvalidArgumentException($"{nameof(ContainerNamePrefix)}: expected 1 to 100 letters, digits and the characters _ . - with a letter or digit first, got '{ContainerNamePrefix}'.");
        for (int i = 0; i < ExtraArgs.Count; i++)
            if (ExtraArgs[i] is not { Length: > 0 } argument || argument.Contains('\0'))
                throw new BusInvalidArgumentException($"{nameof(ExtraArgs)}[{i}]: expected a text that is not empty and has no NUL character.");
        foreach ((string name, string value) in Environment)
            if (name.Length == 0 || name.AsSpan().ContainsAny('=', '\0') || value is null || value.Contains('\0'))
                throw new BusInvalidArgumentException($"{nameof(Environment)}: '{name}' cannot be a variable; expected a name without '=' and a value, both without NUL characters.");
        return this;
    }
}
