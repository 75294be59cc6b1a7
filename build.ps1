#!/usr/bin/env pwsh
#requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests and cleans StdioBus: a thin wrapper over the MSBuild targets.
.PARAMETER Task
    Build assembles out/StdioBus, an importable module. Test runs every test. Clean removes what they made.
.PARAMETER Configuration
    Debug or Release.
.EXAMPLE
    ./build.ps1 -Task Build -Configuration Release
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Clean')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
Push-Location $PSScriptRoot
try {
    switch ($Task) {
        'Build' { dotnet build src/StdioBus.Module/StdioBus.Module.csproj --configuration $Configuration }
        'Test' { dotnet test --solution StdioBus.sln --configuration $Configuration }
        'Clean' { dotnet clean StdioBus.sln --configuration $Configuration }
    }
    if ($LASTEXITCODE -ne 0) { throw "dotnet ended with exit code $LASTEXITCODE." }
}
finally {
    Pop-Location
}
