BeforeDiscovery {
    $commands = (Get-Command -Module StdioBus).Name
    $pages = "$PSScriptRoot/../../docs/en-US"
    $examples = foreach ($command in $commands) {
        $text = Get-Content -Raw "$pages/$command.md"
        foreach ($match in [regex]::Matches($text, '(?ms)^### Example \d+: (?<title>.+?)\n\n```powershell\n(?<code>.*?)^```$')) {
            @{ Command = $command; Title = $match.Groups['title'].Value; Code = $match.Groups['code'].Value }
        }
    }
    $topics = (Get-ChildItem "$pages/about_*.md").BaseName
}

Describe 'Help' -Tag A37 {
    It 'shows the syntax of <_>' -ForEach $commands {
        $shown = Get-Help $_ | Out-String -Width 2000
        $shown | Should -Match "(?m)^ +$_ .*\[<CommonParameters>\]"
    }

    It 'shows each parameter of <_>' -ForEach $commands {
        $common = [System.Management.Automation.Cmdlet]::CommonParameters + [System.Management.Automation.Cmdlet]::OptionalCommonParameters
        foreach ($parameter in (Get-Command $_).Parameters.Keys.Where({ $_ -notin $common })) {
            (Get-Help $_ -Parameter $parameter).Name | Should -Be $parameter
        }
    }

    It 'declares what <_> writes' -ForEach $commands {
        (Get-Command $_).OutputType.Count | Should -BeGreaterThan 0
    }
}

Describe 'The examples of the help' -Tag A24, A37 {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        Copy-Item "$root/docs/examples/workers/DemoAgent/bin/DemoAgent.*" $TestDrive
        # Runspaces that an example makes find the module by its name, as an installed one.
        $modulePath = $env:PSModulePath
        $env:PSModulePath = "$root/out" + [System.IO.Path]::PathSeparator + $modulePath
    }

    AfterAll { $env:PSModulePath = $modulePath }

    BeforeEach { Push-Location $TestDrive }
    AfterEach {
        Pop-Location
        Get-StdioBus | Remove-StdioBus -Force
    }

    It '<Command>: <Title>' -ForEach $examples {
        $ErrorActionPreference = 'Stop'
        { . ([scriptblock]::Create($Code)) | Out-Null } | Should -Not -Throw
    }

    It 'are shown by Get-Help -Examples: <_>' -ForEach $commands {
        $shown = Get-Help $_ -Examples | Out-String -Width 200
        $shown | Should -Match 'Example 1: '
        $shown | Should -Match 'Example 2: '
    }

    It 'make a worker in PowerShell that answers and streams' {
        $text = Get-Content -Raw "$root/docs/en-US/about_StdioBus_Workers.md"
        $program = [regex]::Match($text, '(?ms)^## PowerShell\n.*?^```powershell\n(?<code>.*?)^```$').Groups['code'].Value
        Set-Content ./worker.ps1 $program
        $bus = New-StdioBus -Pool mine -Command ./worker.ps1
        (Invoke-BusRequest echo @{ message = 'hé 🎈' }).message | Should -BeExactly 'hé 🎈'
        Invoke-BusStream story @{ sessionId = 's1' } -TextOnly | Should -Be 'once ', 'upon ', 'a ', 'time'
        { Invoke-BusRequest unknown -ErrorAction Stop } | Should -Throw '*There is no method unknown.*'
        Remove-StdioBus $bus
    }
}

Describe 'The topics' -Tag A37 {
    It '<_> is found' -ForEach $topics {
        (Get-Help $_ | Out-String) | Should -Match "(?s)TOPIC\s+$_\s+SHORT DESCRIPTION"
    }
}

Describe 'An installed module' -Tag A31 {
    It 'is found by its name, with its help' {
        . "$PSScriptRoot/Setup.ps1"
        $version = (Import-PowerShellDataFile $manifest).ModuleVersion
        $null = New-Item "$TestDrive/Modules/StdioBus" -ItemType Directory
        Copy-Item "$root/out/StdioBus" "$TestDrive/Modules/StdioBus/$version" -Recurse
        $run = Invoke-Pwsh -Environment "PSModulePath=$TestDrive/Modules" @"
            `$bus = New-StdioBus cat cat
            (Get-Module StdioBus).ModuleBase
            (Get-Help Invoke-BusStream).Synopsis
            Remove-StdioBus `$bus
"@
        $run.Text | Should -Match ([regex]::Escape("$TestDrive/Modules/StdioBus/$version"))
        $run.Text | Should -Match 'writes what comes back'
        $run.ExitCode | Should -Be 0
    }
}

Describe 'The manifest' {
    BeforeAll { $manifest = Test-ModuleManifest "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1" -ErrorAction Stop }

    It 'names files that are there, and every cmdlet of the assembly' {
        $classes = (Get-Module StdioBus).ImplementingAssembly.GetTypes().ForEach({ $_.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false) })
        # Complete-BusAction is the module's own.
        $names = $classes.ForEach({ "$($_.VerbName)-$($_.NounName)" }) | Where-Object { $_ -ne 'Complete-BusAction' } | Sort-Object
        $manifest.ExportedCmdlets.Keys | Sort-Object | Should -Be $names
    }

    It 'says where the module runs, and what the Gallery shows' {
        $manifest.PowerShellVersion | Should -Be ([version]'7.4')
        $manifest.CompatiblePSEditions | Should -Be Core
        $manifest.LicenseUri | Should -Be 'https://www.apache.org/licenses/LICENSE-2.0'
        $manifest.Description | Should -Not -BeNullOrEmpty
        $manifest.Tags | Should -Be 'StdioBus', 'JSON-RPC', 'MCP', 'ACP', 'AI', 'Agent', 'Process', 'Stream', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS'
    }
}
