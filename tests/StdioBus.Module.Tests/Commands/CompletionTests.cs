using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A37")]
public sealed class CompletionTests(CompletionTests.Buses buses) : IClassFixture<CompletionTests.Buses>
{
    /// <summary>Two buses for all tests here, with what has been seen on the first.</summary>
    public sealed class Buses : IDisposable
    {
        public Buses() => Runspace.Run("""
            $second = New-StdioBus other $worker kit -Name 'second bus' -NoStart
            $first = New-StdioBus -Name first -PoolConfig @{ Id = 'plain'; Command = $worker; Args = 'kit'; Instances = 2 }, @{ Id = "a pool's"; Command = $worker; Args = 'kit'; DefaultMethod = 'tools/call' }
            $null = Invoke-BusRequest echo @{} -Pool plain
            Invoke-BusRequest 'odd $name' -Pool plain -ErrorAction SilentlyContinue
            Send-BusNotification session/tick -Pool plain
            $a = Register-BusSubscription; $b = Register-BusSubscription -SessionId 'of a subscription'
            $first.AgentSessionId = 'agent-7'
            """);

        internal TestRunspace Runspace { get; } = new();

        public void Dispose() => Runspace.Dispose();
    }

    // What Tab offers at the end of a line.
    private static string[] Complete(TestRunspace runspace, string line) => [.. runspace.Run(
        "[System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches | ForEach-Object CompletionText", ("line", line))
        .Select(item => (string)item.BaseObject)];

    [Theory]
    [InlineData("Get-StdioBus ", "first", "'second bus'")]
    [InlineData("Get-StdioBus sec", "'second bus'")]
    [InlineData("Start-StdioBus -Bus f", "first")]
    [InlineData("Stop-StdioBus ", "first", "'second bus'")]
    [InlineData("Remove-StdioBus 's", "'second bus'")]
    [InlineData("Select-StdioBus \"s", "\"second bus\"")]
    [InlineData("Invoke-BusRequest x -Bus s", "'second bus'")]
    [InlineData("Get-BusLog -Bus FI", "first")]
    [InlineData("Get-BusWorker ", "plain", "'a pool''s'")]
    [InlineData("Get-BusWorker plain, a", "'a pool''s'")]
    [InlineData("Invoke-BusRequest -Pool 'a p", "'a pool''s'")]
    [InlineData("Invoke-BusStream -Pool \"a", "\"a pool's\"")]
    [InlineData("Send-BusMessage -Pool p", "plain")]
    [InlineData("Connect-StdioBus ", "plain", "'a pool''s'")]
    [InlineData("Register-BusSubscription -Pool p", "plain")]
    [InlineData("Register-BusSubscription -Overflow ", "DropNewest", "DropOldest", "Close", "Block")]
    [InlineData("Register-BusSubscription -OverflowPolicy dro", "DropNewest", "DropOldest")]
    [InlineData("Get-BusWorker -Bus 'second bus' -Pool ", "other")]
    [InlineData("Get-BusWorker -Bus $second -Pool ", "other")]
    [InlineData("Get-BusWorker -Bus nope -Pool ")]
    [InlineData("Get-BusWorker -Id ", "0", "1", "2")]
    [InlineData("Restart-BusWorker ", "0", "1", "2")]
    [InlineData("Stop-BusWorker -Bus 'second bus' -Id ", "0")]
    [InlineData("Get-BusLog ", "0", "1", "2")]
    [InlineData("Get-BusSubscription ", "1", "2")]
    [InlineData("Get-BusSubscription -Id 2", "2")]
    [InlineData("Invoke-BusRequest ", "echo", "'odd $name'", "session/tick", "tools/call")]
    [InlineData("Invoke-BusStream -Method s", "session/tick")]
    [InlineData("Send-BusNotification \"o", "\"odd `$name\"")]
    [InlineData("Register-BusSubscription session", "session/tick", "session/update")]
    [InlineData("Register-BusSubscription -Method notifications/res", "notifications/resources/list_changed", "notifications/resources/updated")]
    [InlineData("Register-BusHandler se", "session/request_permission", "session/tick")]
    [InlineData("Register-BusHandler t", "'terminal/*'", "tools/call")]
    [InlineData("Register-BusHandler x -Pool p", "plain")]
    [InlineData("Get-BusHandler -Bus f", "first")]
    [InlineData("Invoke-BusRequest x -SessionId a", "agent-7")]
    [InlineData("Invoke-BusRequest x -SessionId of", "'of a subscription'")]
    [InlineData("New-StdioBus -Backend D", "Docker")]
    [InlineData("Register-BusSubscription -Overflow DropO", "DropOldest")]
    [InlineData("Get-BusLog -Level W", "Warning")]
    public void What_there_is_is_offered_with_the_quotes_it_needs(string line, params string[] offered) =>
        Assert.Equal(offered.Order(), Complete(buses.Runspace, line).Order());

    [Fact]
    public void Programs_on_the_path_are_offered_for_workers()
    {
        (string typed, string program) = OperatingSystem.IsWindows() ? ("fin", "find.exe") : ("ca", "cat");
        Assert.Contains(program, Complete(buses.Runspace, $"New-StdioBus x {typed}"));
        Assert.Contains(program, Complete(buses.Runspace, $"New-BusPool x -Command {typed}"));
    }

    [Fact]
    public void What_is_offered_means_the_same_when_the_line_runs()
    {
        foreach (string word in new[] { "a", "'a", "\"a" })
        {
            string completed = Assert.Single(Complete(buses.Runspace, "Get-BusWorker " + word));
            Assert.Equal("a pool's", buses.Runspace.RunOne($"(Get-BusWorker {completed}).Pool"));
        }
    }

    [Fact]
    public void Completing_asks_no_bus_that_is_stopped_and_none_that_is_not_there()
    {
        buses.Runspace.Run("$stopped = New-StdioBus gone $worker kit -Name stopped -NoStart; Stop-StdioBus $stopped");
        Assert.Equal(["0"], Complete(buses.Runspace, "Restart-BusWorker -Bus stopped -Id "));
        Assert.Equal(["gone"], Complete(buses.Runspace, "Get-BusWorker -Bus stopped -Pool "));
        buses.Runspace.Run("Remove-StdioBus $stopped");
        foreach (string parameter in new[] { "Get-BusWorker -Pool ", "Get-BusWorker -Id ", "Invoke-BusRequest -Method ", "Invoke-BusRequest -SessionId ", "Get-BusSubscription -Id " })
            Assert.Empty(Complete(buses.Runspace, parameter.Replace(" -", " -Bus stopped -", StringComparison.Ordinal)));
    }
}
