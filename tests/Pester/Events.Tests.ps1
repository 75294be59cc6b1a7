Describe 'An action of a subscription' -Tag A20, L26 {
    BeforeAll {
        . "$PSScriptRoot/Setup.ps1"
        $bus = Start-Kit
        function Send-Tick([int] $Count = 1) { $null = Invoke-BusRequest notify @{ method = 'tick'; params = @{ n = '$i' }; count = $Count } -Bus $bus }
    }

    AfterAll { Remove-StdioBus $bus }

    AfterEach { Get-EventSubscriber | Unregister-Event; Get-Event | Remove-Event; Get-Job | Remove-Job -Force }

    It 'runs while the script waits for an event, and is listed' {
        $null = Register-BusSubscription tick -Bus $bus -SourceIdentifier ticks -MessageData 5 -Action {
            $null = New-Event done -MessageData ($Event.MessageData + $EventArgs.Notification.Params.n)
        }
        (Get-EventSubscriber ticks).EventName | Should -Be NotificationReceived
        Send-Tick
        (Wait-Event done -Timeout 60).MessageData | Should -Be 5
    }

    It 'goes on after an error' {
        $null = Register-BusSubscription tick -Bus $bus -Action {
            if ($EventArgs.Notification.Params.n -eq 2) { $null = New-Event done }
            throw 'oops'
        } -ErrorAction SilentlyContinue
        Send-Tick 3
        Wait-Event done -Timeout 60 | Should -Not -BeNullOrEmpty
    }

    It 'ends with Unregister-Event, which closes the subscription' {
        $subscription = Register-BusSubscription tick -Bus $bus -SourceIdentifier ticks -Action { }
        Unregister-Event ticks
        $subscription.EndReason | Should -Be Closed
    }

    It 'keeps what its runspace has no time for within the bounds of the queue' {
        $subscription = Register-BusSubscription tick -Bus $bus -MaxQueue 4 -Action { }
        Send-Tick 100
        $subscription.Count | Should -BeLessOrEqual 4
        $subscription.Dropped | Should -BeGreaterThan 0
    }
}
