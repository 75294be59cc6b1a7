# Workers on another machine: ssh is the command of the pool. The bus starts, watches and restarts ssh here; ssh starts the
# worker there, and carries its stdin, stdout and stderr. Nothing of StdioBus is needed on the other machine.
#   ./ssh.ps1 -Destination me@build -RemoteCommand 'dotnet /opt/agents/DemoAgent.dll'
# ssh must not ask anything: log in with a key, and have the host's own key among the known hosts.

param(
    # As ssh takes it: a host, user@host, or a name from the configuration.
    [Parameter(Mandatory)] [string] $Destination,

    # What the shell of the other machine runs: one text, quoted for that shell.
    [Parameter(Mandatory)] [string] $RemoteCommand,

    # The configuration of ssh: port, key, known hosts. Default: your own.
    [string] $SshConfig,

    [int] $Instances = 2
)

$ErrorActionPreference = 'Stop'

if (-not (Get-Command New-StdioBus -ErrorAction Ignore)) {
    Import-Module "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1"
}

# -T: no terminal there, which would change what passes. BatchMode: fail where ssh would ask. With the intervals ssh ends
# when the other machine has not answered for 45 seconds; else a cut cable would look like a slow worker.
$ssh = @('-T', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=3')
if ($SshConfig) { $ssh += '-F', $SshConfig }

'1. Workers there, each behind an ssh here.'
$bus = New-StdioBus -Pool far -Command ssh -ArgumentList ($ssh + $Destination + $RemoteCommand) -Instances $Instances
$connections = @(Get-BusWorker | ForEach-Object ProcessId)

try {
    '2. Requests, as ever.'
    $sum = 0
    1..100 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest square | ForEach-Object { $sum += $_.square }
    "   The squares from 1 to 100 add up to $sum."

    '3. A connection is lost: its request fails at once, and the bus makes another.'
    $job = Invoke-BusRequest sleep @{ milliseconds = 60000 } -AsJob
    while (-not ($busy = Get-BusWorker | Where-Object Pending -gt 0)) { [System.Threading.Thread]::Sleep(10) }
    [System.Diagnostics.Process]::GetProcessById($busy.ProcessId).Kill()
    Receive-Job $job -Wait -AutoRemoveJob -ErrorAction SilentlyContinue -ErrorVariable failed
    "   $failed"
    "   12 squared is still $((Invoke-BusRequest square @{ n = 12 }).square)."
}
finally {
    Remove-StdioBus $bus
}

'4. The bus is removed: the connections are closed, and with its stdin each worker there comes to its end.'
$left = @([System.Diagnostics.Process]::GetProcesses() | Where-Object Id -In $connections)
"   $($connections.Count) connections were made first, $($left.Count) are left."
