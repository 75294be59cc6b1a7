@{
    RootModule           = 'StdioBus.Module.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '7c1c2a58-3f0e-4b57-9d4e-5a6f0c6f7d11'
    Author               = 'StdioBus contributors'
    CompanyName          = 'StdioBus contributors'
    Copyright            = '(c) StdioBus contributors. Apache-2.0.'
    Description          = 'Drive AI agents (ACP), tool servers (MCP) and any worker that speaks JSON-RPC over stdio: pools of worker processes, requests, live streams, notifications, restarts and back-pressure.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    TypesToProcess       = @('StdioBus.Types.ps1xml')
    FormatsToProcess     = @('StdioBus.Format.ps1xml')
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'New-StdioBus', 'Start-StdioBus', 'Stop-StdioBus', 'Remove-StdioBus', 'Get-StdioBus', 'Select-StdioBus', 'Connect-StdioBus',
        'New-BusPool', 'Test-BusConfig',
        'Invoke-BusRequest', 'Invoke-BusStream', 'Send-BusNotification', 'Send-BusMessage',
        'Register-BusSubscription', 'Receive-BusNotification', 'Get-BusSubscription', 'Unregister-BusSubscription',
        'Register-BusHandler', 'Get-BusHandler', 'Unregister-BusHandler',
        'Get-BusWorker', 'Restart-BusWorker', 'Stop-BusWorker', 'Get-BusLog'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('StdioBus', 'JSON-RPC', 'MCP', 'ACP', 'AI', 'Agent', 'Process', 'Stream', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://www.apache.org/licenses/LICENSE-2.0'
            # Filled in from CHANGELOG.md when the module is assembled.
            ReleaseNotes = ''
        }
    }
}
