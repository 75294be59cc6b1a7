Describe 'A script' {
    BeforeAll { . "$PSScriptRoot/Setup.ps1" }

    It 'ends a CI step with the worker''s exit code and last words' -Tag L7 {
        $run = Invoke-Pwsh @"
            `$ErrorActionPreference = 'Stop'
            Import-Module $manifest
            `$bus = New-StdioBus agent $worker kit
            Invoke-BusRequest exit @{ code = 3; stderr = 'no key in AGENT_KEY' }
            'not reached'
"@
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match 'agent'
        $run.Text | Should -Match 'code 3'
        $run.Text | Should -Match 'no key in AGENT_KEY'
        $run.Text | Should -Not -Match 'not reached'
    }

    It 'that simply ends leaves no worker behind' -Tag A21 {
        $run = Invoke-Pwsh "Import-Module $manifest; `$bus = New-StdioBus kit $worker kit -Instances 2; (Get-BusWorker).ProcessId -join ','"
        $ids = $run.Text.Trim() -split ','
        $ids.Count | Should -Be 2
        Get-Process -Id $ids -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'finds its worker with Tab: programs on the path, and files' -Tag A37 {
        $line = 'New-StdioBus x /bin/ca'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain '/bin/cat'
        $line = 'New-StdioBus x -Command ca'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain 'cat'
    }

    It 'runs in strict mode' -Tag A38 {
        $run = Invoke-Pwsh @"
            Set-StrictMode -Version Latest
            Import-Module $manifest
            `$bus = New-StdioBus kit $worker kit
            `$bus, (Get-BusWorker) | Format-List | Out-Null
            Invoke-BusStream stream @{ chunks = 'a', 'b' } | Out-String | Out-Null
            Remove-StdioBus
            'done'
"@
        $run.Text.Trim() | Should -BeExactly done
    }

    It 'is a worker: it runs in pwsh, in the folder and with the variables it was given' {
        Set-Content $TestDrive/worker.ps1 @'
            while ($null -ne ($line = [Console]::In.ReadLine())) {
                $request = $line | ConvertFrom-Json
                $result = @{ args = $args; kind = $env:KIND; folder = "$PWD"; method = $request.method }
                [Console]::Out.WriteLine((@{ jsonrpc = '2.0'; id = $request.id; result = $result } | ConvertTo-Json -Compress))
            }
'@
        $null = New-Item $TestDrive/sub -ItemType Directory
        Push-Location $TestDrive
        try { $bus = New-StdioBus mine ./worker.ps1 one, 'two three' -Environment @{ KIND = 'script' } -WorkingDirectory sub }
        finally { Pop-Location }

        try {
            $result = Invoke-BusRequest -Pool mine
            $result.args | Should -Be 'one', 'two three'
            $result.kind, $result.folder, $result.method | Should -Be 'script', "$TestDrive/sub", 'mine'
        }
        finally { Remove-StdioBus $bus }
    }
}

Describe 'A pipeline' {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $bus = Start-Kit
    }

    AfterAll { Remove-StdioBus $bus }

    It 'that has had enough ends a stream which waits for more' -Tag A33 {
        Invoke-BusStream stream @{ chunks = 'a', 'b', 'c'; gate = $true } -TextOnly | Select-Object -First 1 | Should -BeExactly a
        $bus.PendingCount | Should -Be 0
        (Invoke-BusRequest echo @{ n = 1 }).n | Should -Be 1
    }

    It 'that has had enough ends requests under way' -Tag A33 {
        @{ hold = $true }, @{ n = 2 } | Invoke-BusRequest maybe | Select-Object -First 1 -ExpandProperty n | Should -Be 2
        $bus.PendingCount | Should -Be 0
    }

    It 'carries errors and results apart, and together when redirected' {
        $both = @{ n = 1; bad = 0 }, @{ n = 2; bad = 2 }, @{ n = 3; bad = 0 } | Invoke-BusRequest fail-on -Ordered 2>&1
        $both.ForEach({ $_.GetType().Name }) | Should -Be PSCustomObject, ErrorRecord, PSCustomObject
        $both[1].TargetObject.n | Should -Be 2
    }

    It 'asks before it starts or removes anything with -WhatIf' -Tag A38 {
        New-StdioBus other $worker kit -WhatIf | Should -BeNullOrEmpty
        Remove-StdioBus $bus -WhatIf
        $bus.State | Should -Be Running
    }
}
