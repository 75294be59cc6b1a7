# The main job in one script: a pool of worker processes, requests, a live stream, notifications, a worker that dies.
# It uses the language and the core commands only, so it runs in stdiobus-shell as well as in pwsh.

$ErrorActionPreference = 'Stop'

if (-not (Get-Command New-StdioBus -ErrorAction Ignore)) {
    Import-Module "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1"
}

function Wait-Until([scriptblock] $Condition) {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Condition)) {
        if ($watch.Elapsed.TotalSeconds -gt 10) { throw "Waited 10 seconds for {$Condition}." }
        [System.Threading.Thread]::Sleep(10)
    }
}

# The workers are small .NET programs: see workers/DemoAgent, a starting point for your own.
$agent = "$PSScriptRoot/workers/DemoAgent/bin/DemoAgent.dll"
if (-not [System.IO.File]::Exists($agent)) {
    'The worker is built first, once.'
    dotnet build "$PSScriptRoot/workers/DemoAgent" --nologo --verbosity quiet --disable-build-servers
    if ($LASTEXITCODE -ne 0) { throw 'The worker could not be built.' }
}

'1. A bus with one pool of three worker processes.'
$bus = New-StdioBus -Pool demo -Command dotnet -ArgumentList $agent -Instances 3
$processIds = @($bus | Get-BusWorker | ForEach-Object ProcessId)
$bus | Out-Default

try {
    '2. One request: objects in, an object out.'
    Invoke-BusRequest echo ([ordered]@{ greeting = 'hello'; numbers = 1, 2, 3 }) | Out-Default

    '3. A thousand requests through the pipeline, 64 of them under way at a time.'
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $squares = 1..1000 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest square -ThrottleLimit 64
    $watch.Stop()
    $sum = 0
    foreach ($answer in $squares) { $sum += $answer.square }
    "   $($squares.Count) answers in $($watch.ElapsedMilliseconds) ms; the squares from 1 to 1000 add up to $sum."
    ''

    '4. A stream: every chunk is here as soon as the worker has written it.'
    Invoke-BusStream session/prompt @{ sessionId = 'story'; prompt = 'streams arrive while they are written' } | ForEach-Object {
        if ($_.Type -eq 'Chunk') { '   {0,5:n0} ms  {1}' -f $_.Elapsed.TotalMilliseconds, $_.Text }
        else { "   $($_.Type): $($_.Result.stopReason), and the whole text: $($_.Result.text)" }
    }
    ''

    '5. A subscription: notifications that no request waits for.'
    $subscription = Register-BusSubscription tick
    $null = Invoke-BusRequest clock/start @{ count = 5; milliseconds = 100 }
    Receive-BusNotification $subscription -Wait -First 5 -Timeout 10 | ForEach-Object { "   $($_.Method) $($_.Params.n) from worker $($_.WorkerId)" }
    Unregister-BusSubscription $subscription
    ''

    '6. A worker is killed. The bus goes on with the others and starts another in its place.'
    $victim = @(Get-BusWorker)[0]
    [System.Diagnostics.Process]::GetProcessById($victim.ProcessId).Kill()
    Wait-Until { $now = Get-BusWorker -Id $victim.Id; $now.State -ne 'Running' -or $now.ProcessId -ne $victim.ProcessId }
    "   12 squared is still $((Invoke-BusRequest square @{ n = 12 }).square)."
    Wait-Until { (Get-BusWorker -Id $victim.Id).State -eq 'Running' }
    $successor = Get-BusWorker -Id $victim.Id
    $processIds += $successor.ProcessId
    "   Worker $($victim.Id): process $($victim.ProcessId) $($successor.LastExitReason), process $($successor.ProcessId) took over."
    ''

    '7. The workers.'
    Get-BusWorker | Out-Default
}
finally {
    Remove-StdioBus $bus
}

'8. The bus is removed, and its processes with it.'
$left = @([System.Diagnostics.Process]::GetProcesses() | Where-Object Id -In $processIds)
"   $($processIds.Count) workers were started, $($left.Count) are left."
