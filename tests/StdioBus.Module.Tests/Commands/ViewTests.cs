using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A37")]
public sealed class ViewTests
{
    private const string Setup = """
        $bus = New-StdioBus -Name main -PoolConfig @{ Id = 'kit'; Command = $worker; Args = 'kit'; Instances = 2 }, @{ Id = 'second'; Command = $worker; Args = 'kit' }
        """;

    // What differs from run to run becomes one letter for each of its characters, so that the columns stay where they are.
    private static string Show(int width, string script)
    {
        using var runspace = new TestRunspace(new TestHost(width));
        runspace.Run("$PSStyle.OutputRendering = 'PlainText'; " + Setup);
        runspace.Run($"& {{ {script} }} | Out-Default");
        // The engine colours the header of a table whatever the rendering is set to.
        string shown = Regex.Replace(runspace.Host.Shown, "\u001b\\[[0-9;]*m", "");
        Assert.All(shown.Split('\n'), line => Assert.InRange(line.Length, 0, width));
        shown = Regex.Replace(shown, @"(?<=^(?:ProcessId|Uptime|ReceivedAt|Elapsed) *: ).*", "…", RegexOptions.Multiline);
        shown = Regex.Replace(shown, @"\d\d:\d\d:\d\d\.\d{3}", "HH:mm:ss.fff");
        shown = Regex.Replace(shown, @"\b\d\d:\d\d:\d\d\b", "hh:mm:ss");
        shown = Regex.Replace(shown, @" +\d+\.\d{3} s", match => "S".PadLeft(match.Length));
        shown = Regex.Replace(shown, @"(?<=^ *\d+ (?:kit|second) +)\d+(?= Running)", match => new string('P', 1).PadLeft(match.Length), RegexOptions.Multiline);
        return string.Join('\n', shown.Split('\n').Select(line => line.TrimEnd())).Trim('\n');
    }

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void A_bus(int width) => Golden.Check($"bus-{width}", Show(width, "$bus"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Workers(int width) => Golden.Check(
        $"workers-{width}", Show(width, "Invoke-BusRequest exit @{ code = 3 } -Pool second -ErrorAction SilentlyContinue; $null = Invoke-BusRequest echo -Pool second; Get-BusWorker"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Stream_events(int width) => Golden.Check(
        $"stream-{width}", Show(width, "Invoke-BusStream stream @{ chunks = 'Hello, ', 'world', (' and more' * 20) } -Pool kit"));

    private const string TwoTicks = "$sub = Register-BusSubscription 'session/*'; $null = Invoke-BusRequest notify @{ method = 'session/tick'; params = @{ n = '$i' }; count = 2 } -Pool second";

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Notifications(int width) => Golden.Check($"notifications-{width}", Show(width, TwoTicks + "; Receive-BusNotification $sub"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void A_subscription(int width) => Golden.Check($"subscription-{width}", Show(width, TwoTicks + "; $sub"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Handlers(int width) => Golden.Check(
        $"handlers-{width}", Show(width, "$null = Register-BusHandler 'session/*' { 1 }; $null = Register-BusHandler fs/read_text_file { throw 'no' } -Pool kit; 'session/x', 'fs/read_text_file' | ForEach-Object { $null = Invoke-BusRequest ask @{ method = $_ } -Pool kit }; Get-BusHandler"));

    // The engine lists every object of such output after the first.
    [Fact]
    public void Objects_of_several_types_show_what_matters_of_each() => Golden.Check(
        "mixed-80", Show(80, TwoTicks + """
            ; [pscustomobject][ordered]@{ A = 1; B = 2; C = 3; D = 4; E = 5 }
            $bus; $bus.Pools.Where({ $_.Id -eq 'second' }).ForEach({ $_.Command = 'worker'; $_ }); Get-BusWorker -Id 2; $sub; Receive-BusNotification $sub
            Invoke-BusStream stream @{ chunks = 'a', 'b' } -Pool kit
            """));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Pools(int width) => Golden.Check($"pools-{width}", Show(width, "New-BusPool -Id agent -Command node -ArgumentList agent.js, '--fast' -Instances 4; New-BusPool tools cat -Dialect Mcp"));
}
