namespace StdioBus;

/// <summary>A folder that MCP servers are told of when they ask for <c>roots/list</c>.</summary>
public sealed class BusRoot
{
    /// <summary>A root to be filled in.</summary>
    public BusRoot()
    {
    }

    /// <summary>A root.</summary>
    /// <param name="uri">Its URI; MCP wants one that begins with <c>file://</c>.</param>
    /// <param name="name">What to call it; null for nothing.</param>
    public BusRoot(string uri, string? name = null)
    {
        Uri = uri;
        Name = name;
    }

    /// <summary>Its URI; MCP wants one that begins with <c>file://</c>. Required.</summary>
    public string Uri { get; set; } = "";

    /// <summary>What to call it; null for nothing.</summary>
    public string? Name { get; set; }

    /// <summary>The root of a folder.</summary>
    /// <param name="path">The folder; a relative one is of the process's.</param>
    /// <param name="name">What to call it; null for nothing.</param>
    public static BusRoot FromPath(string path, string? name = null) => new(new Uri(Path.GetFullPath(path)).AbsoluteUri, name);
}
