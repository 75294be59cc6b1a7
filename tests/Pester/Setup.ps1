# Dot-sourced by each file: the test worker, a bus of it, and what a person would see of some output.

$root = [System.IO.Path]::GetFullPath("$PSScriptRoot/../..")
$manifest = "$root/out/StdioBus/StdioBus.psd1"
$worker = Get-ChildItem "$root/tests/workers/StdioBus.TestWorker/bin/*/net10.0/StdioBus.TestWorker" |
    Sort-Object LastWriteTime | Select-Object -Last 1 -ExpandProperty FullName
if (-not $worker) { throw 'The test worker is not built: run dotnet build StdioBus.sln.' }

# The command line of this PowerShell itself: as a .NET tool it is a library that the dotnet command runs.
$shell = @([Environment]::ProcessPath)
if ((Split-Path -LeafBase $shell[0]) -eq 'dotnet') { $shell += "$PSHOME/pwsh.dll" }

function Start-Kit([string] $Pool = 'kit', [int] $Instances = 1, [string] $Name) {
    $more = if ($Name) { @{ Name = $Name } } else { @{} }
    New-StdioBus -Pool $Pool -Command $worker -ArgumentList kit -Instances $Instances @more
}

# Runs a script in a new PowerShell with no profile, and gives its exit code and all it wrote.
function Invoke-Pwsh([string] $Script, [string[]] $Environment = @()) {
    $text = & env @Environment @shell -NoProfile -NonInteractive -Command $Script 2>&1 | Out-String
    [pscustomobject]@{ ExitCode = $LASTEXITCODE; Text = $text -replace '\e\[[\d;]*m' }
}
