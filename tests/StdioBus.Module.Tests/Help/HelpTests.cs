using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Help;

[Trait("Covers", "A37")]
public sealed class HelpTests
{
    public static TheoryData<string> Commands => [.. HelpPage.Commands];

    public static TheoryData<string, string> Examples
    {
        get
        {
            var examples = new TheoryData<string, string>();
            foreach (string command in HelpPage.Commands)
            {
                foreach (string title in HelpPage.Of(command).Examples.Keys.Where(title => !HelpPage.NeedingFullPwsh.Contains($"{command}: {title}")))
                    examples.Add(command, title);
            }

            return examples;
        }
    }

    [Theory(DisplayName = "The page of a command describes exactly its parameters, and has two examples at least")]
    [MemberData(nameof(Commands))]
    public void Page(string command)
    {
        HelpPage page = HelpPage.Of(command);

        Assert.Equal(ParametersOf(command), page.Parameters.Order());
        Assert.True(page.Examples.Count >= 2, $"{page.Examples.Count} examples");
    }

    [Theory(DisplayName = "The page tells the switches, words and numbers that a command starts from")]
    [MemberData(nameof(Commands))]
    public void Defaults(string command)
    {
        HelpPage page = HelpPage.Of(command);
        using var runspace = new TestRunspace();

        // A number that is the least or the largest there is stands for "not given".
        IEnumerable<string> initial = runspace.Run("""
            $made = [Activator]::CreateInstance((Get-Command $command).ImplementingType)
            foreach ($name in (Get-Command $command).Parameters.Keys) {
                $value = $made.$name
                if ($value -is [switch]) { "$name=False" }
                elseif ($value -is [enum] -or ($value -is [int] -and $value -notin 0, [int]::MaxValue)) { "$name=$value" }
            }
            """, ("command", command)).Select(line => line.ToString());

        Assert.Equal(initial, initial.Select(line => line.Split('=')[0]).Select(name => $"{name}={page.Defaults[name]}"));
    }

    [Theory(DisplayName = "Get-Help shows what the page says (./build.ps1 -Task Docs brings it up to date)")]
    [MemberData(nameof(Commands))]
    public void Shown(string command)
    {
        HelpPage page = HelpPage.Of(command);
        using var runspace = new TestRunspace();

        PSObject help = Assert.Single(runspace.Run($"Get-Help {command} -Full"));

        Assert.Equal(page.Synopsis, help.Properties["Synopsis"].Value);
        Assert.Equal(
            page.Parameters.Order(),
            runspace.Run("$help.parameters.parameter | ForEach-Object Name", ("help", help)).Select(name => name.ToString()).Order());
        Assert.Equal(
            page.Examples.Values.Select(code => code.Trim()),
            runspace.Run("$help.examples.example | ForEach-Object { $_.code }", ("help", help)).Select(code => code.ToString().Replace("\r", "", StringComparison.Ordinal).Trim()));
        Assert.All(
            runspace.Run("$help.parameters.parameter | ForEach-Object { -join $_.description.Text }", ("help", help)),
            description => Assert.NotEqual("", description.ToString()));
    }

    [Theory(DisplayName = "An example runs as written")]
    [MemberData(nameof(Examples))]
    [Trait("Covers", "A24")]
    public void Example(string command, string title)
    {
        using var folder = new ExampleFolder();
        using var runspace = new TestRunspace();
        runspace.Runspace.SessionStateProxy.Path.SetLocation(folder.Path);

        runspace.Run(HelpPage.Of(command).Examples[title]);
    }

    [Fact(DisplayName = "The examples that are left to a full pwsh are there")]
    public void Left()
    {
        string[] pages = Directory.GetFiles(HelpPage.Folder, "*-*.md").Select(path => Path.GetFileNameWithoutExtension(path)).ToArray();

        Assert.Subset(
            pages.SelectMany(name => HelpPage.Of(name).Examples.Keys.Select(title => $"{name}: {title}")).ToHashSet(),
            HelpPage.NeedingFullPwsh.ToHashSet());
    }

    private static IEnumerable<string> ParametersOf(string command)
    {
        using var runspace = new TestRunspace();
        return runspace.Run($"(Get-Command {command}).Parameters.Keys").Select(name => name.ToString())
            .Except(Cmdlet.CommonParameters, StringComparer.OrdinalIgnoreCase).Order().ToArray();
    }
}
