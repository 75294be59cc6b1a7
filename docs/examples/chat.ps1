# A chat with an agent (ACP) at the prompt: its answers appear as it writes them, and what it needs a permission for is asked
# here. An empty line ends it; Ctrl+C while the agent writes stops the agent.
#   ./chat.ps1 -Command my-agent -ArgumentList --acp
# Without parameters the agent is the demo agent of this folder, which knows little; "write a poem" makes it ask.

param(
    [string] $Command = 'dotnet',

    [string[]] $ArgumentList = "$PSScriptRoot/workers/DemoAgent/bin/DemoAgent.dll",

    # Where the agent is to work.
    [string] $Folder = $PWD.ProviderPath
)

$ErrorActionPreference = 'Stop'

if (-not (Get-Command New-StdioBus -ErrorAction Ignore)) {
    Import-Module "$PSScriptRoot/../../out/StdioBus/StdioBus.psd1"
}

$bus = New-StdioBus -Pool agent -Command $Command -ArgumentList $ArgumentList -Dialect Acp

try {
    # It runs beside the prompt that waits, in a runspace of its own, with the host of this one.
    $null = Register-BusHandler session/request_permission {
        param($request)
        $options = @($request.Params.options)
        $choices = foreach ($option in $options) { [System.Management.Automation.Host.ChoiceDescription]::new($option.name) }
        $chosen = $Host.UI.PromptForChoice('The agent asks', $request.Params.toolCall.title, $choices, 0)
        @{ outcome = @{ outcome = 'selected'; optionId = $options[$chosen].optionId } }
    }

    $agent = Invoke-BusRequest initialize @{
        protocolVersion    = 1
        clientCapabilities = @{ fs = @{ readTextFile = $false; writeTextFile = $false } }
    }
    $session = Invoke-BusRequest session/new @{ cwd = $Folder; mcpServers = @() }
    "The agent speaks version $($agent.protocolVersion) of ACP; the session is $($session.sessionId)."

    while ($true) {
        $Host.UI.Write('> ')
        $prompt = $Host.UI.ReadLine()
        if (-not $prompt) { break }
        $content = @(@{ type = 'text'; text = $prompt })
        $end = Invoke-BusStream session/prompt @{ sessionId = $session.sessionId; prompt = $content } -Show
        if ($end.Result.stopReason -ne 'end_turn') { "The agent stopped: $($end.Result.stopReason)." }
    }
}
finally {
    Remove-StdioBus $bus
}
