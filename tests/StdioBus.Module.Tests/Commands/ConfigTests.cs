using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A3")]
public sealed class ConfigTests : IDisposable
{
    private readonly TestRunspace _runspace = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("stdiobus-config-").FullName;

    public ConfigTests()
    {
        File.WriteAllText(Path.Combine(_folder, "good.json"), """{"pools":[{"id":"p","command":"node","instances":1}]}""");
        File.WriteAllText(Path.Combine(_folder, "bad.json"), """{"pools":[{"id":"","command":"x","instances":0,"comand":1}]}""");
        File.WriteAllText(Path.Combine(_folder, "cut.json"), """{"pools":[""");
        File.WriteAllText(Path.Combine(_folder, "mcp.json"), """{"mcpServers":{"one":{"command":"node"},"two":{"args":[]}}}""");
        _runspace.Runspace.SessionStateProxy.Path.SetLocation(_folder);
    }

    public void Dispose()
    {
        _runspace.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string[] Problems(string command) =>
        [.. _runspace.Run(command).Select(item => (ConfigProblem)item.BaseObject).Select(problem => $"{(problem.IsWarning ? "warning" : "error")} {problem.Path}").Order(StringComparer.Ordinal)];

    [Fact]
    public void Every_problem_of_a_file_is_written_with_its_path()
    {
        Assert.Empty(_runspace.Run("Test-BusConfig good.json"));
        Assert.Equal(["error $.pools[0].id", "error $.pools[0].instances", "warning $.pools[0].comand"], Problems("Test-BusConfig ./bad.json"));
        Assert.Equal(["error $"], Problems("Test-BusConfig -Path cut.json"));
        Assert.Equal(["error $.mcpServers.two"], Problems("Test-BusConfig mcp.json").Where(problem => problem.StartsWith("error", StringComparison.Ordinal)));
        Assert.Equal(Path.Combine(_folder, "cut.json"), _runspace.RunOne("(Test-BusConfig cut.json).File"));
    }

    [Fact]
    public void Several_files_come_by_wildcard_or_pipeline_and_one_that_cannot_be_read_leaves_the_others_alone()
    {
        string[] all = Problems("Test-BusConfig *.json");
        Assert.Equal(all, Problems("[IO.DirectoryInfo]::new($PWD.ProviderPath).GetFiles() | Test-BusConfig"));
        ScriptRun run = _runspace.RunWithErrors("'nope.json', 'cut.json' | Test-BusConfig");
        Assert.Contains(Path.Combine(_folder, "nope.json"), run.OnlyError("BusFileNotFound").ToString(), StringComparison.Ordinal);
        Assert.Single(run.Output);
        File.WriteAllText(Path.Combine(_folder, "a[1].json"), "{}");
        Assert.Equal(["error $.pools"], Problems("Test-BusConfig 'a[1].json'"));
        File.WriteAllText(Path.Combine(_folder, "large.json"), new string(' ', (4 << 20) + 1));
        Assert.Contains("4 MiB", _runspace.RunWithErrors("Test-BusConfig large.json").OnlyError("BusFileUnreadable").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_says_only_whether_it_can_be_used() => Assert.Equal(
        [true, false, true], _runspace.Run("""Test-BusConfig good.json, cut.json -Quiet; Test-BusConfig -Config '{"pools":[{"id":"a","command":"x"}],"typo":1}' -Quiet""").Select(item => item.BaseObject));

    [Theory]
    [InlineData("""'{"pools":[{"id":"a"}]}'""", "$.pools[0].command")]
    [InlineData("@{ pools = @(@{ id = 'a' }) }", "$.pools[0].command")]
    [InlineData("([pscustomobject]@{ pools = @([pscustomobject]@{ id = 'a' }) })", "$.pools[0].command")]
    [InlineData("(New-BusPool a cat), (New-BusPool a cat)", "$.pools[1].id")]
    [InlineData("([StdioBus.BusConfig]::new())", "$.pools")]
    [InlineData("@{}", "$.pools")]
    public void A_configuration_is_checked_as_it_is_given(string config, string path) =>
        Assert.Equal([$"error {path}"], Problems("Test-BusConfig -Config " + config));

    [Fact]
    public void What_is_no_configuration_is_a_clear_error()
    {
        Assert.Empty(_runspace.Run("Test-BusConfig -Config (New-BusPool a cat)"));
        Assert.Equal(["error $"], Problems("Test-BusConfig -Config 5"));
        _runspace.RunWithErrors("Test-BusConfig -Config @{ pools = ([IO.FileInfo]'/') }").OnlyError("BusInvalidParams");
    }
}
