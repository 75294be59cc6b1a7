using System.Diagnostics;
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
        shown = Regex.Replace(shown, @"restarts in \d+ ?m?\s*m?s", "restarts in N ms");
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
        $"handlers-{width}", Show(width, "$null = Register-BusHandler 'session/*' { 1 }; $null = Register-BusHandler fs/read_text_file { throw [StdioBus.JsonRpcErrorException]::new(-1, 'no') } -Pool kit; 'session/x', 'fs/read_text_file' | ForEach-Object { $null = Invoke-BusRequest ask @{ method = $_ } -Pool kit }; Get-BusHandler"));

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
    public void A_bus_that_listens(int width) => Golden.Check($"listener-{width}", Show(width, "New-StdioBus kit $worker kit -Name ear -ListenMode Tcp -TcpPort 0; New-StdioBus kit $worker kit -Name later -NoStart"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void A_log(int width) => Golden.Check($"log-{width}", Show(width, """
        $talk = New-StdioBus talk $worker
        $null = Invoke-BusRequest stderr @{ lines = 'short', ('a line that is longer than the screen is wide, ' * 4) }
        Invoke-BusRequest exit @{ code = 3 } -ErrorAction SilentlyContinue
        $null = Invoke-BusRequest echo @{}
        $lines = Get-BusLog -Wait | Where-Object { $null -ne $_.WorkerId -or $_.Level -gt 'Information' } | Select-Object -First 3
        $lines
        """));

    private const string Broken = """'{"pools":[{"id":"","command":"x","instances":0,"comand":1},{"id":"a-pool-with-a-name-that-is-long","command":"x","args":[5]}]}'""";

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Problems_of_a_configuration(int width) => Golden.Check($"problems-{width}", Show(width, $"Test-BusConfig -Config {Broken}"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void A_handshake(int width) => Golden.Check($"hello-{width}", Show(width, "$agent = New-StdioBus agent $worker; Connect-StdioBus -Extension ([ordered]@{ audit = '1.0'; any = $null })"));

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Subscriptions(int width) => Golden.Check($"subscriptions-{width}", Show(width, "$null = Register-BusSubscription 'session/*' -Pool second; $null = $bus.SubscribeRaw(); Get-BusSubscription"));

    [Fact]
    public async Task A_bus_whose_connection_is_being_made_again_is_offline()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        string folder = Directory.CreateTempSubdirectory("stdiobus-view-").FullName;
        try
        {
            string config = Path.Combine(folder, "config.json");
            await File.WriteAllTextAsync(config, new BusConfig(new BusPool("kit", WorkerProgram.Path, ["kit"])).ToJson(), stop);
            string token = Path.Combine(folder, "token");
            await File.WriteAllTextAsync(token, "sesame\n", stop);
            string program = OperatingSystem.IsWindows() ? Path.Combine("win-x64", "stdio_bus.exe") : Path.Combine("linux-x64", "stdio_bus");
            using var daemon = Process.Start(new ProcessStartInfo(Path.Combine(ProductFolder.Module, program), ["--config", config, "--tcp", "127.0.0.1:0", "--token-file", token]) { RedirectStandardError = true })!;
            string ready = "";
            while (!ready.Contains("ready:", StringComparison.Ordinal))
                ready = await daemon.StandardError.ReadLineAsync(stop) ?? throw new InvalidOperationException("The daemon ended.");

            using var runspace = new TestRunspace(new TestHost(160));
            runspace.Run($"$PSStyle.OutputRendering = 'PlainText'; $bus = New-StdioBus kit $worker kit -Backend Socket -SocketOption @{{ Host = '127.0.0.1'; Port = {ready.Split(':')[^1]}; AccessToken = 'sesame'; Reconnect = $true }}; $bus | Out-Default");
            Assert.Matches("(?m)^bus\\d+ +Running +Socket ", runspace.Host.Shown);
            daemon.Kill();
            await daemon.WaitForExitAsync(stop);
            var bus = (Bus)runspace.RunOne("$bus")!;
            while (!bus.GetLog().Any(entry => entry.Text.EndsWith("It is being made again.", StringComparison.Ordinal)))
                Assert.True(await bus.WaitForLogAsync(bus.GetLog().LastOrDefault()?.Sequence ?? 0, stop).WaitAsync(TimeSpan.FromSeconds(60), stop));
            runspace.Run("$bus | Out-Default");
            Assert.Matches("(?m)^bus\\d+ +Offline +Socket ", runspace.Host.Shown);
            Assert.Equal("False", runspace.RunOne("[string]$bus.IsConnected"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void States_and_levels_have_a_colour_where_the_host_shows_colours()
    {
        using var runspace = new TestRunspace(new TestHost(colours: true));
        runspace.Run($"$PSStyle.OutputRendering = 'Host'; {Setup}; $bus | Out-Default; Get-BusWorker | Out-Default; Test-BusConfig -Config {Broken} | Out-Default");
        Assert.Equal(4, Regex.Count(runspace.Host.Shown, "\u001b\\[32mRunning\u001b\\[0m"));
        Assert.Matches("\u001b\\[[0-9;]+mWarning\u001b\\[0m", runspace.Host.Shown);
        int coloured = runspace.Host.Shown.Length;
        runspace.Run("$PSStyle.OutputRendering = 'PlainText'; $bus | Out-Default");
        Assert.DoesNotContain("\u001b[32m", runspace.Host.Shown[coloured..], StringComparison.Ordinal);
    }

    // With Ansi the engine itself leaves the colours in.
    [Theory]
    [InlineData("Host")]
    [InlineData("Ansi")]
    public void A_host_that_shows_no_colours_gets_none(string rendering)
    {
        using var runspace = new TestRunspace(new TestHost(160, colours: false));
        runspace.Run($"$PSStyle.OutputRendering = '{rendering}'; {Setup}; Invoke-BusRequest exit -Pool second -ErrorAction Ignore; $bus | Out-Default; Get-BusWorker | Out-Default; Test-BusConfig -Config {Broken} | Out-Default; Get-BusLog | Out-Default");
        // The header of a table is not for the view to colour.
        string[] rows = [.. runspace.Host.Shown.Split('\n').Where(line => Regex.IsMatch(line, "Running|Warning|Error"))];
        Assert.True(rows.Length >= 7, string.Join('\n', rows));
        Assert.All(rows, row => Assert.DoesNotContain('\u001b', row));
    }

    [Fact]
    [Trait("Covers", "A38")]
    public void In_constrained_language_mode_the_views_are_the_same()
    {
        const string Script = "$bus; Get-BusWorker; Register-BusSubscription; New-BusPool agent node agent.js -WorkingDirectory /; Get-BusLog -Last 1; Connect-StdioBus -Bus $agent";
        string[] shown = [.. new[] { "FullLanguage", "ConstrainedLanguage" }.Select(mode => Show(160, $"$agent = New-StdioBus agent $worker; Select-StdioBus $bus; $ExecutionContext.SessionState.LanguageMode = '{mode}'; {Script}"))];
        Assert.Equal(shown[0], shown[1]);
    }

    [Theory]
    [InlineData(80)]
    [InlineData(160)]
    public void Pools(int width) => Golden.Check($"pools-{width}", Show(width, "New-BusPool -Id agent -Command node -ArgumentList agent.js, '--fast' -Instances 4; New-BusPool tools cat -Dialect Mcp"));
}
