Describe 'One bus in many runspaces' -Tag A35 {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $bus = Start-Kit -Instances 2
    }

    AfterAll { Remove-StdioBus $bus }

    It 'serves a parallel pipeline, with $using: and as the only open bus' {
        $sum = 1..20 | ForEach-Object -ThrottleLimit 4 -Parallel {
            Import-Module $using:manifest
            Invoke-BusRequest echo @{ n = $_ } -Bus $using:bus
            Invoke-BusRequest echo @{ n = 1000 * $_ }
        } | Measure-Object n -Sum
        $sum.Count, $sum.Sum | Should -Be 40, 210210
        $bus.State | Should -Be Running
    }

    It 'streams in a thread job' {
        $job = Start-ThreadJob { Import-Module $using:manifest; Invoke-BusStream stream @{ chunks = 'from ', 'a ', 'job' } -Bus $using:bus -TextOnly }
        $job | Receive-Job -Wait -AutoRemoveJob | Join-String | Should -BeExactly 'from a job'
    }

    It 'is let go when a thread job is stopped in the middle' -Tag A33 {
        $own = Start-Kit -Name held
        try {
            $job = Start-ThreadJob { Import-Module $using:manifest; Invoke-BusRequest hold @{} -Bus $using:own -Timeout Infinite }
            # Answered once the worker has the job's request.
            $null = Invoke-BusRequest held @{ n = 1 } -Bus $own
            Stop-Job $job
            Remove-Job $job
            $own.PendingCount | Should -Be 0
            (Invoke-BusRequest echo @{ n = 1 } -Bus $own).n | Should -Be 1
        }
        finally { Remove-StdioBus $own }
    }

    It 'does not go to another process, and says so' {
        $run = Start-Job { Import-Module $using:manifest; Invoke-BusRequest echo -Bus $using:bus } | Receive-Job -Wait -AutoRemoveJob -ErrorVariable problem -ErrorAction SilentlyContinue
        $run | Should -BeNullOrEmpty
        $problem[0].ToString() | Should -Match 'a copy of a bus of another process'
    }
}

Describe 'Importing and removing' -Tag A35 {
    BeforeAll { . "$PSScriptRoot/Setup.ps1" }

    It 'twice with -Force works and takes the buses made here along' {
        $bus = Start-Kit
        $id = (Get-BusWorker).ProcessId
        Import-Module $manifest -Force
        Import-Module $manifest -Force
        $bus.State | Should -Be Stopped
        Get-StdioBus | Should -BeNullOrEmpty
        Get-Process -Id $id -ErrorAction Ignore | Should -BeNullOrEmpty
        $bus = Start-Kit
        (Invoke-BusRequest echo @{ n = 1 }).n | Should -Be 1
        Remove-StdioBus $bus
    }

    It 'in a thread job leaves the buses of this runspace alone' {
        $bus = Start-Kit
        Start-ThreadJob { Import-Module $using:manifest; Remove-Module StdioBus } | Receive-Job -Wait -AutoRemoveJob
        $bus.State | Should -Be Running
        Remove-StdioBus $bus
    }

    It 'needs nothing but its folder and an empty environment' {
        Copy-Item "$root/out/StdioBus" $TestDrive -Recurse
        $run = Invoke-Pwsh -Environment '-i', "HOME=$TestDrive", 'PATH=/usr/bin:/bin', "DOTNET_ROOT=$env:DOTNET_ROOT" @"
            Set-Location /
            Import-Module $TestDrive/StdioBus -ErrorAction Stop
            `$bus = New-StdioBus cat cat
            "`$(`$bus.State), `$((Get-Command -Module StdioBus).Count) commands"
"@
        $run.Text.Trim() | Should -BeExactly "Running, $((Get-Command -Module StdioBus).Count) commands"
        $run.ExitCode | Should -Be 0
    }
}
