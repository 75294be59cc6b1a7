#!/usr/bin/env pwsh
#requires -Version 7.4
<#
.SYNOPSIS
    Runs what only a whole PowerShell can show: its own formatting, jobs, parallel pipelines and help, with out/StdioBus.
.DESCRIPTION
    Build the solution first: the tests import the assembled module and drive the test worker. Ends with two lines that
    count the tests, and with exit code 1 when one failed or none ran.
.PARAMETER Pester
    The name of the module or the path of its manifest.
#>
param([string] $Pester = 'Pester')
$PSStyle.OutputRendering = 'PlainText'
Import-Module $Pester -MinimumVersion 5.3 -ErrorAction Stop
Import-Module "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1" -ErrorAction Stop

$configuration = New-PesterConfiguration
$configuration.Run.Path = $PSScriptRoot
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.RenderMode = 'PlainText'
$run = Invoke-Pester -Configuration $configuration

# A file that cannot be read or set up counts as one failure.
$failed = $run.FailedCount + $run.FailedBlocksCount + $run.FailedContainersCount
"  succeeded: $($run.PassedCount)"
"  failed: $failed"
exit [int]($failed -gt 0 -or $run.PassedCount -eq 0)
