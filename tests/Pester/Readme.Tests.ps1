BeforeDiscovery {
    $readme = Get-Content -Raw "$PSScriptRoot/../../README.md"
    # The command lines of the section, with what their comments claim.
    $lines = foreach ($match in [regex]::Matches($readme, '(?m)^pwsh (?<arguments>.+?) +# (?<stderr>the error on stderr, )?exit code (?<code>\d)$')) {
        @{ Arguments = -split $match.Groups['arguments'].Value; Code = [int]$match.Groups['code'].Value; Fails = $match.Groups['stderr'].Success }
    }
}

Describe 'The steps of the README' -Tag A24, L7 {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $readme = Get-Content -Raw "$root/README.md"
        $section = [regex]::Match($readme, '(?ms)^## In CI\n(.*?)^## ').Groups[1].Value
        $step, $all, $annotation = [regex]::Matches($section, '(?ms)^```ps1\n(.*?)^```$').ForEach({ $_.Groups[1].Value })
        $agent = "$TestDrive/docs/examples/workers/DemoAgent/bin"
        $null = New-Item $agent -ItemType Directory
        Copy-Item "$root/docs/examples/workers/DemoAgent/bin/DemoAgent.*" $agent
        # The steps find the module by its name, as an installed one.
        $modulePath = $env:PSModulePath
        $env:PSModulePath = "$root/out" + [System.IO.Path]::PathSeparator + $modulePath
        Push-Location $TestDrive

        # Runs a text as step.ps1, with the arguments of a pwsh.
        function Invoke-Step([string] $Text, [string[]] $Arguments = ('-NoProfile', '-NonInteractive', '-File', './step.ps1')) {
            Set-Content ./step.ps1 $Text
            $output = & env @shell @Arguments 2>./stderr | Out-String
            [pscustomobject]@{ ExitCode = $LASTEXITCODE; Output = $output -replace '\e\[[\d;]*m'; Problem = (Get-Content -Raw ./stderr) -replace '\e\[[\d;]*m' }
        }
    }

    AfterAll {
        Pop-Location
        $env:PSModulePath = $modulePath
    }

    It 'pwsh <Arguments> ends with exit code <Code>' -ForEach $lines {
        $run = Invoke-Step $step $Arguments
        $run.ExitCode | Should -Be $Code
        if ($Fails) {
            $run.Problem.Trim() | Should -BeExactly "Write-Error: The member 'n' must be a whole number from 0."
            $run.Output.Trim() | Should -BeNullOrEmpty
        }
        else {
            $run.Problem | Should -BeNullOrEmpty
            $run.Output | Should -Match '(?m)^12 +144\s*$'
        }
    }

    It 'are <_> command lines' -ForEach $lines.Count { $_ | Should -Be 2 }

    It 'without the trap shows the error with its place, and ends with exit code 1' {
        $run = Invoke-Step ($step -replace '(?ms)^trap \{.*?^\}\n' -replace '\$Number = 12', '$Number = "twelve"')
        $run.ExitCode | Should -Be 1
        $run.Problem | Should -Match '(?s)step\.ps1:\d+.*must be a whole number'
    }

    It 'without the first line too goes on, with exit code 0' {
        $text = $step -replace '(?ms)^trap \{.*?^\}\n' -replace '(?m)^\$ErrorActionPreference.*\n' -replace '\$Number = 12', '$Number = "twelve"'
        $run = Invoke-Step ($text + "'went on'")
        $run.ExitCode | Should -Be 0
        $run.Output.Trim() | Should -BeExactly 'went on'
        $run.Problem | Should -Match 'must be a whole number'
    }

    It 'in the trap have the last words of a worker, which the message leaves out' {
        $text = $step -replace 'dotnet -ArgumentList \S+', "/bin/sh -ArgumentList '-c', 'read line; echo no key >&2; exit 3'"
        $text = $text.Replace('"$_"', '"$_ | $($_.Exception.Message)"')
        $run = Invoke-Step $text
        $run.ExitCode | Should -Be 2
        $whole, $message = $run.Problem -split ' \| ', 2
        $whole | Should -Match 'no key'
        $message | Should -Match 'code 3'
        $message | Should -Not -Match 'no key'
    }

    It 'with many inputs have all results, and fail nevertheless' {
        $run = Invoke-Step $all
        $run.ExitCode | Should -Be 1
        (-split $run.Output) -match '^\d+$' | Sort-Object | Should -Be 1, 1, 3, 9 -Because $run.Output
        $run.Output.Trim() | Should -Match '(?m)^Failed: two$'
        (Invoke-Step $all.Replace("'two'", '2')).ExitCode | Should -Be 0
    }

    It 'make an annotation of one line' {
        $run = Invoke-Step ($step -replace '(?m)^ +Write-Error.*\n', $annotation.Replace('$', '$$')) '-NoProfile', '-NonInteractive', '-File', './step.ps1', 'twelve'
        $run.ExitCode | Should -Be 2
        $run.Output.Trim() | Should -BeExactly "::error title=agent::The member 'n' must be a whole number from 0."
        (Invoke-Step "'50%`r`nof it' | ForEach-Object {`n$annotation}").Output.Trim() | Should -BeExactly '::error title=agent::50%25%0D%0Aof it'
    }
}
