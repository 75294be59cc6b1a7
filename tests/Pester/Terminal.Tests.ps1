# Ctrl+C as a person presses it: in a terminal, which tmux is here.
Describe 'In a terminal' -Tag A33 -Skip:(-not (Get-Command tmux -ErrorAction Ignore)) {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $socket = "$TestDrive/tmux"

        function Invoke-Tmux { tmux -S $socket -f /dev/null @args }

        # The screen, once it shows the text; what it showed instead after a minute fails the test.
        function Wait-Screen([string] $Pattern) {
            $watch = [System.Diagnostics.Stopwatch]::StartNew()
            while (($shown = (Invoke-Tmux capture-pane -p -J | Out-String)) -notmatch $Pattern) {
                if ($watch.Elapsed.TotalSeconds -gt 60) { throw "The screen does not show '$Pattern':`n$shown" }
            }
            $shown
        }

        Set-Content "$TestDrive/start.ps1" "function global:prompt { 'READY> ' }; Import-Module $manifest; `$global:bus = New-StdioBus kit $worker kit"
        Invoke-Tmux new-session -d -x 160 -y 50 "$shell -NoProfile -NoLogo -NoExit -File $TestDrive/start.ps1"
        $null = Wait-Screen '(?m)^READY>'
    }

    AfterAll { Invoke-Tmux kill-server }

    # None of these would ever end by itself.
    It 'Ctrl+C ends <_>, which waits without a limit, and the bus goes on' -ForEach @(
        'Invoke-BusRequest hold @{} -Timeout 0'
        'Invoke-BusStream stream @{ chunks = ''a'', ''b''; gate = $true } -TextOnly -IdleTimeout 0'
        'Receive-BusNotification (Register-BusSubscription never) -Wait'
    ) {
        Invoke-Tmux send-keys "clear; 'be' + 'gun'; $_" Enter
        $null = Wait-Screen '(?m)^begun'
        Invoke-Tmux send-keys C-c
        $null = Wait-Screen '(?m)^READY> *$'
        Invoke-Tmux send-keys "clear; `"still `$((Invoke-BusRequest echo @{ n = 7 }).n) pending `$(`$bus.PendingCount)`"" Enter
        Wait-Screen '(?m)^still' | Should -Match '(?m)^still 7 pending 0'
    }

    It 'Read-Host in the script block of a handler takes what is typed' {
        Invoke-Tmux send-keys "clear; `$null = Register-BusHandler ask/me { Read-Host 'tell me' }; `"told `$((Invoke-BusRequest ask @{ method = 'ask/me' } -Timeout 0).result)`"" Enter
        $null = Wait-Screen '(?m)^tell me: *$'
        Invoke-Tmux send-keys 'forty two' Enter
        Wait-Screen '(?m)^told' | Should -Match '(?m)^told forty two *$'
    }
}
