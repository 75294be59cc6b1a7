using System.Collections;
using System.Management.Automation;
using System.Text;
using StdioBus.Module.Json;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Commands;

/// <summary>
/// Checks configurations without starting anything, and writes everything that is wrong with them, each with its JSON path.
/// Nothing is written for one that can be used as it is.
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "BusConfig", DefaultParameterSetName = PathSet)]
[OutputType(typeof(ConfigProblem), typeof(bool))]
public sealed class TestBusConfigCommand : BusCmdlet
{
    private const string PathSet = "Path";
    private const string ConfigSet = "Config";

    /// <summary>Files in the kernel's format, or with mcpServers; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PathSet)]
    [Alias("PSPath", "FullName", "ConfigPath")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>A configuration: a BusConfig, pools of New-BusPool, JSON text, or a hashtable with the members of the kernel's format.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ConfigSet)]
    [ValidateNotNull]
    public object? Config { get; set; }

    /// <summary>Writes for each configuration whether it can be used, instead of its problems. Warnings do not count.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override void Process()
    {
        if (ParameterSetName == ConfigSet)
        {
            Report(CheckObject());
            return;
        }

        foreach (string path in Path)
        {
            foreach (string file in Files(path))
                TestFile(file);
        }
    }

    private void TestFile(string file)
    {
        if (!File.Exists(file))
        {
            WriteError(BusErrors.FileNotFound(file, $"There is no file '{file}'."));
            return;
        }

        try
        {
            Report(BusConfig.CheckFile(file));
        }
        catch (BusInvalidArgumentException error)
        {
            WriteError(BusErrors.FileUnreadable(file, error));
        }
    }

    private void Report(IReadOnlyList<ConfigProblem> problems)
    {
        if (Quiet)
            WriteObject(!problems.Any(problem => !problem.IsWarning));
        else
            WriteObject(problems, enumerateCollection: true);
    }

    // A file may have a name that looks like a pattern.
    private IEnumerable<string> Files(string path)
    {
        string literal = new WorkerPaths(this).Absolute(path);
        if (File.Exists(literal) || !WildcardPattern.ContainsWildcardCharacters(path))
            return [literal];

        return SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _);
    }

    private IReadOnlyList<ConfigProblem> CheckObject()
    {
        object? data = Config is PSObject wrapped ? wrapped.BaseObject : Config;
        switch (data)
        {
            case BusConfig config:
                return config.Check();
            case string json:
                return BusConfig.Check(json);
            case BusPool pool:
                return new BusConfig(pool).Check();
            case IEnumerable items and not IDictionary when items.Cast<object?>().Select(item => item is PSObject one ? one.BaseObject : item).ToArray() is { Length: > 0 } pools && pools.All(item => item is BusPool):
                return new BusConfig([.. pools.Cast<BusPool>()]).Check();
            default:
                return BusConfig.Check(Json());
        }
    }

    private string Json()
    {
        try
        {
            return Encoding.UTF8.GetString(PowerShellJsonWriter.Write(Config));
        }
        catch (JsonConversionException error)
        {
            ThrowTerminatingError(BusErrors.InvalidParams(error, "-Config", Config));
            throw;
        }
    }
}
