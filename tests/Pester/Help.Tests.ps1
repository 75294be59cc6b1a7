BeforeDiscovery {
    $commands = (Get-Command -Module StdioBus).Name
}

Describe 'Help' -Tag A37 {
    It 'shows the syntax of <_>' -ForEach $commands {
        $shown = Get-Help $_ | Out-String -Width 500
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

Describe 'The manifest' {
    It 'is valid and names files that are there' {
        $manifest = Test-ModuleManifest "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1" -ErrorAction Stop
        $manifest.ExportedCmdlets.Count | Should -Be (Get-Command -Module StdioBus).Count
    }
}
