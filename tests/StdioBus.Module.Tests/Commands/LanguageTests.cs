using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A38")]
public sealed class LanguageTests : IDisposable
{
    private const string EveryCommand = """
        $pool = New-BusPool -Id kit -Command $worker -ArgumentList kit -Environment @{ KIT = 1 } -Envelope StdioBus
        $bus = New-StdioBus -PoolConfig $pool, @{ Id = 'plain'; Command = $worker; Args = 'kit'; Dialect = 'Mcp' } -Timeout 20 -Limit @{ MaxRestarts = 3 } -NativeOption @{ LogLevel = 'Debug' }
        $null = Select-StdioBus $bus -PassThru
        $r = Invoke-BusRequest echo @{ a = @{ b = 1 } } -Pool kit -Identity @{ SubjectId = 'me' } -Audit @{ Action = 'test' } -Timeout 5
        if ($r.a.b -ne 1) { throw 'request' }
        $all = 1..10 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -Pool plain -ThrottleLimit 4 -Ordered
        if ($all.Count -ne 10 -or $all[9].n -ne 10) { throw 'pipeline' }
        $text = Invoke-BusStream stream @{ chunks = 'a', 'b'; sessionId = 's' } -Pool plain -TextOnly
        if (($text -join '') -ne 'ab') { throw 'stream' }
        $sub = Register-BusSubscription tick -Pool plain -Overflow DropOldest
        Send-BusNotification hello -Pool plain
        $null = Invoke-BusRequest notify @{ method = 'tick' } -Pool plain
        $n = Receive-BusNotification $sub -Wait -First 1 -Timeout 10
        if ($n.Method -ne 'tick') { throw 'notification' }
        if ((Get-BusSubscription $sub.Id).Id -ne $sub.Id) { throw 'subscriptions' }
        Unregister-BusSubscription $sub
        $suffix = '!'
        $handler = Register-BusHandler ask/name { param($request, $greeting) @{ text = $greeting + $request.Params.name + $using:suffix } } -Pool plain -ArgumentList 'Hello '
        if ((Invoke-BusRequest ask @{ method = 'ask/name'; params = @{ name = 'you' } } -Pool plain).result.text -ne 'Hello you!') { throw 'handler' }
        Get-BusHandler ask/* | Unregister-BusHandler
        Send-BusMessage @{ jsonrpc = '2.0'; method = 'raw'; params = @{ a = 1 } } -Pool plain
        if ((Invoke-BusRequest received -Pool plain) -notcontains 'raw') { throw 'message' }
        $restarted = Get-BusWorker plain | Restart-BusWorker -PassThru -Confirm:$false
        if ($restarted.Restarts -ne 1) { throw 'restart' }
        Stop-BusWorker $restarted.Id -Force
        Restart-BusWorker $restarted.Id
        if (@(Get-BusLog -Level Information -Last 1).Count -ne 1) { throw 'log' }
        if (@(Test-BusConfig -Config @{ pools = @(@{ id = 'x' }) }).Count -ne 1 -or @(Test-BusConfig -Config $pool).Count -ne 0) { throw 'config' }
        $agent = New-StdioBus agent $worker -NoStart -ListenMode Tcp -TcpPort 0 -AccessToken 'secret' -NativeOption @{ AllowRemote = $true }
        Start-StdioBus $agent -Timeout 20
        if ((Connect-StdioBus -Bus $agent -Extension @{ audit = @{ Version = '1'; Required = $true } }).Extensions['audit'] -ne '1') { throw 'hello' }
        if ((Stop-StdioBus $agent -Timeout 10 -PassThru).State -ne 'Stopped') { throw 'stop' }
        Remove-StdioBus $agent -Force
        $null = Select-StdioBus $bus
        if (@(Get-BusWorker plain).Count -ne 1 -or @(Get-StdioBus).Count -ne 1) { throw 'lists' }
        Get-StdioBus | Remove-StdioBus
        """;

    private readonly TestRunspace _runspace = new();

    public void Dispose() => _runspace.Dispose();

    [Fact]
    public void Every_command_works_in_constrained_language_mode()
    {
        _runspace.Runspace.SessionStateProxy.LanguageMode = PSLanguageMode.ConstrainedLanguage;
        _runspace.RunToError("[IO.File]::Exists('/')");
        _runspace.Run(EveryCommand);
    }

    [Fact]
    public void Every_command_works_in_strict_mode() => _runspace.Run("Set-StrictMode -Version Latest; $ErrorActionPreference = 'Stop'\n" + EveryCommand);

    [Fact]
    public void The_module_exports_what_its_manifest_lists_and_every_command_tells_its_output()
    {
        string[] commands = _runspace.Run("Get-Command -Module StdioBus | ForEach-Object Name").Select(item => (string)item.BaseObject).ToArray();
        // The end of an action is told by a command of the module's own, which is nobody else's to call.
        IEnumerable<string> written = typeof(Pipeline.BusCmdlet).Assembly.GetTypes()
            .Where(type => type != typeof(Events.CompleteBusActionCommand))
            .Select(type => (CmdletAttribute?)Attribute.GetCustomAttribute(type, typeof(CmdletAttribute)))
            .OfType<CmdletAttribute>()
            .Select(cmdlet => $"{cmdlet.VerbName}-{cmdlet.NounName}");
        Assert.Equal(written.Order(), commands.Order());
        Assert.Empty(_runspace.Run("Get-Command -Module StdioBus | ForEach-Object { if (-not $_.OutputType) { $_.Name } }"));
    }

    [Fact]
    public void Confirm_asks_before_it_starts_or_removes()
    {
        Assert.NotEmpty(_runspace.RunToError("New-StdioBus kit $worker kit -Confirm").ToString());
        Assert.Empty(BusRegistry.Open);
    }
}
