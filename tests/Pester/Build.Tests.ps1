Describe 'build.ps1' {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        # A copy, which cannot touch what these tests use, and a dotnet that says what it was asked.
        $copy = "$TestDrive/copy"
        $null = New-Item "$copy/out/package", "$copy/out/help", "$copy/out/StdioBus", "$copy/bin" -ItemType Directory
        Copy-Item "$root/build.ps1" $copy
        Set-Content "$copy/bin/dotnet" '#!/bin/sh', 'echo "$PWD: dotnet $*"', 'exit ${DOTNET_STANDIN:-0}'
        chmod +x "$copy/bin/dotnet"

        function Invoke-Build([string[]] $Arguments, [int] $Fails = 0) {
            $text = & env "PATH=$copy/bin:$env:PATH" "DOTNET_STANDIN=$Fails" @shell -NoProfile -NonInteractive -File "$copy/build.ps1" @Arguments 2>&1 | Out-String
            [pscustomobject]@{ ExitCode = $LASTEXITCODE; Text = $text.Trim() -replace '\e\[[\d;]*m' }
        }
    }

    It 'has the tasks that its help and CONTRIBUTING name' {
        $tasks = (Get-Command "$root/build.ps1").Parameters['Task'].Attributes.Where({ $_ -is [ValidateSet] }).ValidValues
        $tasks | Should -Be 'Build', 'Test', 'Docs', 'Package', 'Clean'
        $help = Get-Content -Raw "$root/build.ps1"
        foreach ($task in $tasks) { $help | Should -Match "(?s)\.PARAMETER Task.*\b$task \w+s .*\.PARAMETER Configuration" }
        $named = [regex]::Matches((Get-Content -Raw "$root/CONTRIBUTING.md"), 'build\.ps1 -Task (\w+)').ForEach({ $_.Groups[1].Value })
        $named.Count | Should -BeGreaterThan 0
        $named.Where({ $_ -notin $tasks }) | Should -BeNullOrEmpty
    }

    It '<Task> asks dotnet for <Line>' -ForEach @(
        @{ Task = 'Build'; Line = 'build src/StdioBus.Module/StdioBus.Module.csproj --configuration Release' }
        @{ Task = 'Test'; Line = 'test --solution StdioBus.sln --configuration Release' }
        @{ Task = 'Package'; Line = 'pack src/StdioBus.Module/StdioBus.Module.csproj --configuration Release' }
        @{ Task = 'Clean'; Line = 'clean StdioBus.sln --configuration Release' }
    ) {
        $run = Invoke-Build '-Task', $Task
        $run.Text | Should -BeExactly "${copy}: dotnet $Line"
        $run.ExitCode | Should -Be 0
        foreach ($file in $Line -split ' ' -match '\.(csproj|sln)$') { "$root/$file" | Should -Exist }
        "$copy/out/StdioBus" | Should -Exist
        foreach ($folder in 'package', 'help') { Test-Path "$copy/out/$folder" | Should -Be ($Task -ne 'Clean') }
    }

    It 'fails as dotnet fails' {
        $run = Invoke-Build '-Configuration', 'Debug' -Fails 3
        $run.Text | Should -Match '(?s)--configuration Debug.*dotnet ended with exit code 3\.'
        $run.ExitCode | Should -Be 1
    }
}
