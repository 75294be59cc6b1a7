#!/usr/bin/env pwsh
#requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests, documents, packs and cleans StdioBus: a thin wrapper over the MSBuild targets.
.PARAMETER Task
    Build assembles out/StdioBus, an importable module. Test runs every test. Docs makes the help that Get-Help reads anew
    from docs/en-US, for the commands that out/StdioBus exports; it needs the module Microsoft.PowerShell.PlatyPS, and what it
    writes is committed. Package makes the Gallery's package in out/package. Clean removes what they made.
.PARAMETER Configuration
    Debug or Release.
.EXAMPLE
    ./build.ps1 -Task Build -Configuration Release
.EXAMPLE
    ./build.ps1 -Task Docs
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Docs', 'Package', 'Clean')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
$module = 'src/StdioBus.Module/StdioBus.Module.csproj'

function Invoke-DotNet {
    dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "dotnet ended with exit code $LASTEXITCODE." }
}

# PlatyPS leaves the code of an example among its words, between fences, and Get-Help would show those.
function Move-ExampleCode([System.Xml.XmlElement] $example) {
    $words = $example['maml:introduction']
    $code = $words.ChildNodes | Where-Object InnerText -Match '^```powershell'
    $example['dev:code'].InnerText = $code.InnerText -replace '^```powershell\r?\n|\r?\n```\s*$'
    $null = $words.RemoveChild($code)
    foreach ($paragraph in @($words.ChildNodes)) {
        $null = $words.RemoveChild($paragraph)
        if ($paragraph.InnerText.Trim()) { $null = $example['dev:remarks'].AppendChild($paragraph) }
    }
}

# PlatyPS reads default values, and does not write them.
function Add-DefaultValue([xml] $help, [object[]] $pages) {
    foreach ($command in $help.GetElementsByTagName('command:command')) {
        $page = $pages | Where-Object Title -EQ $command['command:details']['command:name'].InnerText
        foreach ($parameter in $command.GetElementsByTagName('command:parameter')) {
            $default = ($page.Parameters | Where-Object Name -EQ $parameter['maml:name'].InnerText).DefaultValue
            if (-not $default) { continue }
            $element = $help.CreateElement('dev', 'defaultValue', $help.DocumentElement.GetNamespaceOfPrefix('dev'))
            $element.InnerText = $default
            $null = $parameter.AppendChild($element)
        }
    }
}

function Export-Help {
    Import-Module Microsoft.PowerShell.PlatyPS -MinimumVersion 1.0
    Import-Module ./out/StdioBus/StdioBus.psd1 -Force
    # A page whose command is not there yet waits for it.
    $pages = Get-ChildItem docs/en-US/*-*.md | Where-Object { Get-Command $_.BaseName -Module StdioBus -ErrorAction Ignore }
    $read = Import-MarkdownCommandHelp -LiteralPath $pages.FullName
    $made = $read | Export-MamlCommandHelp -OutputFolder out/help -Force
    $help = [xml] (Get-Content -Raw $made)
    foreach ($example in $help.GetElementsByTagName('command:example')) { Move-ExampleCode $example }
    Add-DefaultValue $help $read
    # A link between pages is no address: Get-Help -Online would try to open it.
    foreach ($uri in $help.GetElementsByTagName('maml:uri')) { $uri.InnerText = '' }
    $target = 'src/StdioBus.Module/en-US/StdioBus.Module.dll-Help.xml'
    $null = New-Item (Split-Path $target) -ItemType Directory -Force
    $help.Save("$PWD/$target")
    "$target`: $($pages.Count) commands"
}

Push-Location $PSScriptRoot
try {
    switch ($Task) {
        'Build' { Invoke-DotNet build $module --configuration $Configuration }
        'Test' { Invoke-DotNet test --solution StdioBus.sln --configuration $Configuration }
        'Docs' {
            Invoke-DotNet build $module --configuration $Configuration
            Export-Help
            # Once more, with the new help in it.
            Invoke-DotNet build $module --configuration $Configuration
        }
        'Package' { Invoke-DotNet pack $module --configuration $Configuration }
        'Clean' {
            Invoke-DotNet clean StdioBus.sln --configuration $Configuration
            foreach ($folder in 'out/package', 'out/help') {
                if (Test-Path $folder) { Remove-Item $folder -Recurse }
            }
        }
    }
}
finally {
    Pop-Location
}
