Describe 'The views' -Tag A37 {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"

        # What differs from run to run becomes "…". With STDIOBUS_WRITE_GOLDEN=1 the texts are written anew, to be looked at.
        function Assert-Golden([string] $Name, [object] $Shown) {
            $text = ($Shown | Out-String -Width 80).Replace($root, '<root>') -replace '(?m) +$'
            $text = $text -replace '(?m)^((?:ProcessId|StartedAt|Uptime|ClientSessionId|ReceivedAt|Elapsed|Messages(?:In|Out)|Bytes(?:In|Out)) +: ).+', '$1…'
            $text = $text.Trim("`n") + "`n"
            $path = "$PSScriptRoot/Golden/$Name.txt"
            if ($env:STDIOBUS_WRITE_GOLDEN -eq '1') { [System.IO.File]::WriteAllText($path, $text) }
            $text | Should -BeExactly ([System.IO.File]::ReadAllText($path))
        }

        $bus = Start-Kit -Name main
        $subscription = Register-BusSubscription 'session/*'
        $null = Invoke-BusRequest notify @{ method = 'session/tick'; params = @{ n = '$i' }; count = 2 }
    }

    AfterAll { Remove-StdioBus $bus }

    It 'list a bus, and of its counters those that count something' {
        $own = Start-Kit -Name listed
        try {
            Assert-Golden bus ($own | Format-List)
            $null = Invoke-BusRequest echo @{}
            ($own | Format-List | Out-String -Width 500) | Should -Match 'Statistics +: .*Requests 1, Results 1\s*$'
        }
        finally { Remove-StdioBus $own }
    }

    It 'list a pool' {
        Assert-Golden pool (New-BusPool agent /bin/cat '-u' -WorkingDirectory / -Environment @{ KEY = 'value' } -Dialect Acp | Format-List)
    }

    It 'list a worker that was replaced, with how the one before ended' {
        $own = Start-Kit -Name replaced
        try {
            Invoke-BusRequest exit @{ code = 3; stderr = 'last words' } -ErrorAction SilentlyContinue
            $null = Invoke-BusRequest echo @{}
            Assert-Golden worker (Get-BusWorker | Format-List)
        }
        finally { Remove-StdioBus $own }
    }

    It 'list a subscription' { Assert-Golden subscription ($subscription | Format-List) }

    It 'list the events of a stream' {
        Assert-Golden stream (Invoke-BusStream stream @{ chunks = 'Hello, ', 'world'; sessionId = 'a' } | Format-List)
    }

    It 'list a notification' {
        Assert-Golden notification (Receive-BusNotification $subscription -First 1 | Format-List)
    }

    It 'list a handler' { Assert-Golden handler (Register-BusHandler 'fs/*' { 1 } -Pool kit | Format-List) }

    It 'list the problems of a configuration' {
        $file = "$TestDrive/bus.json"
        Set-Content $file '{"pools":[{"id":"kit","command":"cat","args":[5],"comand":1}]}'
        $shown = Test-BusConfig $file | Format-List | Out-String -Width 300
        Assert-Golden problems $shown.Replace([System.IO.Path]::GetFullPath($file), '<file>')
    }

    It 'list <Bytes> bytes as <Shown>' -ForEach @(
        @{ Bytes = 0; Shown = '0 B' }
        @{ Bytes = 1023; Shown = '1023 B' }
        @{ Bytes = 1024; Shown = '1.0 KB' }
        @{ Bytes = 1MB - 1; Shown = '1024.0 KB' }
        @{ Bytes = 1.25MB; Shown = '1.3 MB' }
        @{ Bytes = 1GB; Shown = '1.0 GB' }
        @{ Bytes = 2560GB; Shown = '2560.0 GB' }
    ) {
        # The view goes by the name of the type.
        $one = [pscustomobject]@{ PSTypeName = 'StdioBus.BusWorker'; BytesIn = 0; BytesOut = 0; QueuedBytes = 0 }
        foreach ($name in 'BytesIn', 'BytesOut', 'QueuedBytes') {
            $one.$name = $Bytes
            $one | Format-List | Out-String -Width 80 | Should -Match "(?m)^$name +: $([regex]::Escape($Shown)) *$"
            $one.$name = 0
        }
    }

    It 'leave Format-Table with chosen properties alone' {
        (Get-BusWorker | Format-Table Id, Pool -HideTableHeaders | Out-String).Trim() -replace '\s+', ' ' | Should -BeExactly '0 kit'
    }
}

Describe 'Objects in the hands of other commands' {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $bus = Start-Kit
    }

    AfterAll { Remove-StdioBus $bus }

    It 'events group by type' {
        $groups = Invoke-BusStream stream @{ chunks = 'a', 'b', 'c' } | Group-Object Type
        $groups.ForEach({ "$($_.Name) $($_.Count)" }) | Should -Be 'Chunk 3', 'Result 1'
    }

    It 'events are filtered by the name of their type' {
        Invoke-BusStream stream @{ chunks = 'a', 'b' } | Where-Object Type -EQ Result | ForEach-Object { $_.Result.text } | Should -BeExactly 'ab'
    }

    It 'results become the same JSON again' {
        $json = '{"b":1,"a":[1,2.5,null,{"deep":["x"]}],"empty":[],"text":"2026-01-02T03:04:05Z"}'
        Invoke-BusRequest echo $json | ConvertTo-Json -Compress -Depth 9 | Should -BeExactly $json
        Invoke-BusRequest echo $json -AsHashtable | ConvertTo-Json -Compress -Depth 9 | Should -BeExactly $json
    }

    It 'workers, events and buses become JSON' {
        $again = Get-BusWorker | ConvertTo-Json -EnumsAsStrings | ConvertFrom-Json
        $again.Pool, $again.State | Should -Be 'kit', 'Running'
        $again = Invoke-BusStream stream @{ chunks = 'a', 'b' } | Select-Object -Last 1 | ConvertTo-Json -Depth 4 | ConvertFrom-Json
        $again.Result.text | Should -BeExactly 'ab'
        ($bus | ConvertTo-Json -WarningAction SilentlyContinue | ConvertFrom-Json).Pools[0].Id | Should -BeExactly kit
    }

    It 'results of a fan-out make a table and a CSV' {
        $results = 1..3 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo -Ordered
        ($results | Measure-Object n -Sum).Sum | Should -Be 6
        ($results | ConvertTo-Csv -UseQuotes Never) -join ' ' | Should -BeExactly 'n 1 2 3'
    }

    It 'Select-Object makes params of files' {
        $file = Get-Item $manifest
        ($file | Invoke-BusRequest echo 2>&1).FullyQualifiedErrorId | Should -BeLike 'BusInvalidParams,*'
        ($file | Select-Object Name, Length | Invoke-BusRequest echo).Name | Should -BeExactly StdioBus.psd1
    }
}
