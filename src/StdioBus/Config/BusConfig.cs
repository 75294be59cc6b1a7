using System.Text;

namespace StdioBus;

/// <summary>The pools of a bus, and its limits.</summary>
public sealed class BusConfig
{
    /// <summary>The largest configuration that is read: 4 MiB.</summary>
    internal const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>An empty configuration, to be filled in.</summary>
    public BusConfig()
    {
    }

    /// <summary>A configuration of these pools.</summary>
    /// <param name="pools">The pools; workers are numbered in their order.</param>
    public BusConfig(params BusPool[] pools)
    {
        Pools = [.. pools];
    }

    /// <summary>The pools; workers are numbered in their order.</summary>
    public IList<BusPool> Pools { get; set; } = [];

    /// <summary>The limits; null for the kernel's defaults.</summary>
    public BusLimits? Limits { get; set; }

    /// <summary>Reads a configuration: the kernel's JSON, or one with <c>mcpServers</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="baseDirectory">What relative commands (with a separator) and working directories are relative to; null leaves them as they are.</param>
    /// <exception cref="BusInvalidArgumentException">It is unusable; the message lists every problem.</exception>
    public static BusConfig Parse(string json, string? baseDirectory = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigReader.ReadOrThrow(Encoding.UTF8.GetBytes(json), baseDirectory, "the configuration", []);
    }

    /// <summary>Reads a configuration file; relative paths in it are relative to its folder.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="BusInvalidArgumentException">It cannot be read, or is unusable; the message lists every problem.</exception>
    public static BusConfig Load(string path) => Load(path, out _);

    /// <summary>The same, with what is to be warned of.</summary>
    internal static BusConfig Load(string path, out List<ConfigProblem> warnings)
    {
        warnings = [];
        (string full, byte[] utf8) = ReadFile(path);
        return ConfigReader.ReadOrThrow(utf8, Path.GetDirectoryName(full), $"the configuration file '{full}'", warnings);
    }

    /// <summary>Finds every problem of a configuration's text without starting anything.</summary>
    public static IReadOnlyList<ConfigProblem> Check(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var problems = new List<ConfigProblem>();
        ConfigReader.Read(Encoding.UTF8.GetBytes(json), null, problems);
        return problems;
    }

    /// <summary>Finds every problem of a configuration file without starting anything.</summary>
    /// <param name="path">The file: the kernel's format, or one with <c>mcpServers</c>.</param>
    /// <exception cref="BusInvalidArgumentException">It cannot be read.</exception>
    public static IReadOnlyList<ConfigProblem> CheckFile(string path)
    {
        (string full, byte[] utf8) = ReadFile(path);
        var problems = new List<ConfigProblem>();
        ConfigReader.Read(utf8, Path.GetDirectoryName(full), problems);
        return [.. problems.Select(problem => problem with { File = full })];
    }

    /// <summary>Finds every problem without starting anything.</summary>
    public IReadOnlyList<ConfigProblem> Check() => ConfigChecker.Check(this);

    /// <summary>Does nothing when the configuration is usable.</summary>
    /// <exception cref="BusInvalidArgumentException">It is not; the message lists every problem.</exception>
    public void Validate() => ConfigReader.ThrowOnErrors(Check(), "the configuration");

    /// <summary>The configuration as the kernel reads it: unset limits are left out, nothing is ever null.</summary>
    public string ToJson() => Encoding.UTF8.GetString(ConfigWriter.Write(this));

    private static (string FullPath, byte[] Utf8) ReadFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        try
        {
            using FileStream file = File.OpenRead(full);
            if (file.Length > MaxBytes)
                throw new BusInvalidArgumentException($"The configuration file '{full}' has {file.Length} bytes; at most {MaxBytes} (4 MiB) are read.");
            byte[] utf8 = new byte[file.Length];
            file.ReadExactly(utf8);
            return (full, utf8);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BusInvalidArgumentException($"There is no configuration file '{full}'.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BusInvalidArgumentException($"The configuration file '{full}' cannot be read: {error.Message}", error);
        }
    }
}
