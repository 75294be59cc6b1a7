# A loop of requests as one would write it without the module, beside Invoke-BusRequest, in a full PowerShell. In the first
# ten rounds or so the runtime still optimises both, so the median of few rounds shows how far it has got.
param([Parameter(Mandatory)] [string] $Worker, [int] $Calls = 1000, [int] $Rounds = 59)
$ErrorActionPreference = 'Stop'
Import-Module "$PSScriptRoot/../../../out/StdioBus"

function Measure-ByHand {
    $start = [System.Diagnostics.ProcessStartInfo]::new($Worker)
    $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    foreach ($id in 1..$Calls) {
        $request = @{ jsonrpc = '2.0'; id = $id; method = 'echo'; params = @{ message = 'hello, worker' } }
        $process.StandardInput.WriteLine(($request | ConvertTo-Json -Compress -Depth 20))
        $null = $process.StandardOutput.ReadLine() | ConvertFrom-Json
    }
    $watch.Stop()
    $process.StandardInput.Close()
    $process.WaitForExit()
    $watch.Elapsed.TotalMicroseconds / $Calls
}

function Measure-Module {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    foreach ($id in 1..$Calls) {
        $null = Invoke-BusRequest echo @{ message = 'hello, worker' }
    }
    $watch.Elapsed.TotalMicroseconds / $Calls
}

$bus = New-StdioBus echo $Worker
$hand, $module = [System.Collections.Generic.List[double]]::new(), [System.Collections.Generic.List[double]]::new()
foreach ($round in 0..$Rounds) {
    $one, $other = (Measure-ByHand), (Measure-Module)
    if ($round) { $hand.Add($one); $module.Add($other) }
}
Remove-StdioBus $bus
$hand.Sort()
$module.Sort()
$middle = [int] [Math]::Floor($Rounds / 2)
'  a loop of requests in pwsh {0}' -f $PSVersionTable.PSVersion
'    by hand            {0,8:F1} µs a call' -f $hand[$middle]
'    Invoke-BusRequest  {0,8:F1} µs   {1:F2} × by hand   ≤ 0.50' -f $module[$middle], ($module[$middle] / $hand[$middle])
