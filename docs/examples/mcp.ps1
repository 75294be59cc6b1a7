# Two MCP servers as two pools of one bus: tools, calls to both, progress that arrives while a call is at work.
# Install the servers first:
#   npm install @modelcontextprotocol/server-everything @modelcontextprotocol/server-memory

param(
    # The folder that holds node_modules with both servers.
    [string] $ServerPath = "$PSScriptRoot/../../tests/integration/mcp"
)

$ErrorActionPreference = 'Stop'

if (-not (Get-Command New-StdioBus -ErrorAction Ignore)) {
    Import-Module "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1"
}

$packages = [System.IO.Path]::GetFullPath("$ServerPath/node_modules/@modelcontextprotocol", $PWD.ProviderPath)
foreach ($package in 'server-everything', 'server-memory') {
    if (-not [System.IO.Directory]::Exists("$packages/$package")) {
        throw "$package is not installed in $packages. Run 'npm ci' in $ServerPath, or give -ServerPath."
    }
}

# The memory server keeps its graph in a file: a new one for this run.
$graph = [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), "stdiobus-mcp-$PID.jsonl")

# Each process of a pool is sent this first, and notifications/initialized after it.
$hello = @{
    protocolVersion = '2025-06-18'
    capabilities    = @{}
    clientInfo      = @{ name = 'mcp.ps1'; version = '1.0' }
}
$bus = New-StdioBus -PoolConfig @(
    New-BusPool everything node "$packages/server-everything/dist/index.js", 'stdio' -Initialize $hello
    New-BusPool memory node "$packages/server-memory/dist/index.js" -Initialize $hello -Environment @{ MEMORY_FILE_PATH = $graph }
)

try {
    '1. The tools of each server.'
    foreach ($pool in 'everything', 'memory') {
        $tools = (Invoke-BusRequest tools/list -Pool $pool).tools
        "   $pool has $($tools.Count): $($tools.name -join ', ')"
    }
    ''

    '2. What they answered to initialize.'
    foreach ($worker in Get-BusWorker) {
        $answer = $worker.Handshake
        "   $($worker.Pool) is $($answer.serverInfo.name) $($answer.serverInfo.version), protocol $($answer.protocolVersion)"
    }
    ''

    '3. Calls to both servers.'
    $echo = Invoke-BusRequest tools/call -Pool everything -Params @{ name = 'echo'; arguments = @{ message = 'hello from PowerShell' } }
    "   everything says: $($echo.content[0].text)"
    $ada = @{ name = 'Ada'; entityType = 'person'; observations = @('writes programs') }
    $null = Invoke-BusRequest tools/call -Pool memory -Params @{ name = 'create_entities'; arguments = @{ entities = @($ada) } }
    $found = Invoke-BusRequest tools/call -Pool memory -Params @{ name = 'search_nodes'; arguments = @{ query = 'programs' } }
    "   memory remembers: $($found.structuredContent.entities[0].name) $($found.structuredContent.entities[0].observations)"
    ''

    '4. A long call: its progress notifications arrive while the server works.'
    $work = @{ name = 'trigger-long-running-operation'; arguments = @{ duration = 2; steps = 4 } }
    Invoke-BusStream tools/call -Pool everything -Params $work | ForEach-Object {
        if ($_.Type -eq 'Progress') { '   {0,5:n0} ms  step {1} of {2}' -f $_.Elapsed.TotalMilliseconds, $_.Data.progress, $_.Data.total }
        elseif ($_.Type -eq 'Result') { "   $($_.Result.content[0].text)" }
    }
    ''

    '5. The workers.'
    Get-BusWorker | Out-Default
}
finally {
    Remove-StdioBus $bus
    [System.IO.File]::Delete($graph)
}
