using System.Management.Automation;
using System.Text.RegularExpressions;
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

        Assert.Equal(ParametersOf(command).Select(parameter => parameter.Name).Order(), page.Parameters.Keys.Order());
        Assert.True(page.Examples.Count >= 2, $"{page.Examples.Count} examples");
    }

    [Theory(DisplayName = "The page tells of each parameter what the command itself does: type, aliases, parameter sets, position, pipeline, accepted values")]
    [MemberData(nameof(Commands))]
    public void Metadata(string command)
    {
        HelpPage page = HelpPage.Of(command);

        Assert.All(ParametersOf(command), parameter => Assert.Equal(Describe(parameter), page.Parameters[parameter.Name].Metadata));
    }

    [Theory(DisplayName = "The page has the syntax of each parameter set, and the types that the command takes and writes")]
    [MemberData(nameof(Commands))]
    public void Syntax(string command)
    {
        HelpPage page = HelpPage.Of(command);
        CommandInfo info = Find(command);

        Assert.Equal(
            info.ParameterSets.Select(set => (set.Name + (set.IsDefault && info.ParameterSets.Count > 1 ? " (Default)" : ""), $"{command} {set}")).Order(),
            page.Syntax.Select(set => (set.Key, set.Value)).Order());
        string[] inputs = [.. ParametersOf(command).Where(parameter => parameter.ParameterSets.Values.Any(set => set.ValueFromPipeline)).Select(parameter => parameter.ParameterType.ToString()).Distinct()];
        Assert.Equal(inputs is [] ? ["None"] : inputs.Order(), page.Inputs.Order());
        // That it writes nothing is said by a command only which never writes anything.
        string[] outputs = [.. info.OutputType.Select(type => type.Name)];
        Assert.Equal(outputs.Length == 1 ? outputs : outputs.Where(type => type != "System.Void").Order(), page.Outputs.Order());
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

        Assert.Equal(initial, initial.Select(line => line.Split('=')[0]).Select(name => $"{name}={page.Parameters[name].DefaultValue}"));
    }

    [Theory(DisplayName = "Get-Help shows what the page says (./build.ps1 -Task Docs brings it up to date)")]
    [MemberData(nameof(Commands))]
    public void Shown(string command)
    {
        HelpPage page = HelpPage.Of(command);
        using var runspace = new TestRunspace();

        PSObject help = Assert.Single(runspace.Run($"Get-Help {command} -Full"));

        Assert.Equal(page.Synopsis, help.Properties["Synopsis"].Value);
        Assert.Equal(page.Description, Paragraphs(help));
        Assert.Equal(
            page.Syntax.Values.Select(ParametersIn).Order(),
            runspace.Run("$help.syntax.syntaxItem | ForEach-Object { $_.parameter.name -join ' ' }", ("help", help)).Select(names => names.ToString()).Order());
        IReadOnlyDictionary<string, PSObject> shown = runspace.Run("$help.parameters.parameter", ("help", help)).ToDictionary(parameter => Text(parameter, "name"));
        Assert.Equal(page.Parameters.Keys.Order(), shown.Keys.Order());
        Assert.All(page.Parameters, parameter => Assert.Equal(
            (parameter.Value.Words, parameter.Value.Type, parameter.Value.Aliases, parameter.Value.TakesWildcards ? "true" : "false", parameter.Value.DefaultValue),
            (Paragraphs(shown[parameter.Key]), Text((PSObject)shown[parameter.Key].Properties["type"].Value, "name"), Text(shown[parameter.Key], "aliases"), Text(shown[parameter.Key], "globbing"), Text(shown[parameter.Key], "defaultValue"))));
        Assert.All(page.Parameters, parameter => Assert.Contains(
            (Text(shown[parameter.Key], "position"), Text(shown[parameter.Key], "required"), Text(shown[parameter.Key], "pipelineInput")), parameter.Value.Uses));
        Assert.Equal(
            page.Examples.Values.Select(code => code.Trim()),
            runspace.Run("$help.examples.example | ForEach-Object { $_.code }", ("help", help)).Select(code => code.ToString().Replace("\r", "", StringComparison.Ordinal).Trim()));
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

    [Fact(DisplayName = "-Raw gives what the pages say: notifications whole, the result alone and with the text of the chunks")]
    public void Raw()
    {
        const string Worker = """
            while read -r request; do id=${request#*'"id":'}; id=${id%%[,\}]*}
            echo '{"jsonrpc":"2.0","method":"session/update", "params":{"update":{"sessionUpdate":"plan","entries":[ ]}}}'
            echo '{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text", "text":"a"}}}}'
            echo '{"jsonrpc":"2.0","id":'$id',"result":{"n": 1.10}}'; done
            """;
        string[] updates = [.. Regex.Matches(Worker, """(?<=echo ')\{.*"method".*\}""").Select(match => match.Value)];
        const string Result = """{"n": 1.10,"text":"a"}""";
        using var runspace = new TestRunspace();
        string[] Run(string script) => [.. runspace.Run(script).Select(line => line.ToString())];

        runspace.Run("$bus = New-StdioBus raw /bin/sh '-c', $program", ("program", Worker));
        Assert.Equal([.. updates, Result], Run("Invoke-BusStream say -Raw"));
        Assert.Equal([updates[1]], Run("Invoke-BusStream say -Raw -ChunkOnly"));
        Assert.Equal([Result], Run("Invoke-BusRequest say -Raw"));
    }

    [Fact(DisplayName = "The examples that are left to a full pwsh are there")]
    public void Left()
    {
        string[] pages = Directory.GetFiles(HelpPage.Folder, "*-*.md").Select(path => Path.GetFileNameWithoutExtension(path)).ToArray();

        Assert.Subset(
            pages.SelectMany(name => HelpPage.Of(name).Examples.Keys.Select(title => $"{name}: {title}")).ToHashSet(),
            HelpPage.NeedingFullPwsh.ToHashSet());
    }

    private static CommandInfo Find(string command)
    {
        using var runspace = new TestRunspace();
        return (CommandInfo)runspace.RunOne($"$found = Get-Command {command}; $null = $found.Parameters, $found.ParameterSets; $found")!;
    }

    private static IReadOnlyList<ParameterMetadata> ParametersOf(string command) =>
        [.. Find(command).Parameters.Values.Where(parameter => !Cmdlet.CommonParameters.Contains(parameter.Name))];

    // As PlatyPS writes it.
    private static string Describe(ParameterMetadata parameter)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        // -Overflow takes names of its own accord: see OverflowNameAttribute.
        Type values = parameter.Name == "Overflow" ? typeof(OverflowPolicy) : type;
        IEnumerable<string> accepted = parameter.Attributes.OfType<ValidateSetAttribute>().FirstOrDefault()?.ValidValues ?? (values.IsEnum ? Enum.GetNames(values) : []);
        return string.Concat(
            [
                $"Type: {type}\n",
                $"SupportsWildcards: {Word(parameter.Attributes.OfType<SupportsWildcardsAttribute>().Any())}\n",
                List("Aliases", parameter.Aliases),
                "ParameterSets:\n",
                .. parameter.ParameterSets.Select(set => $"""
                    - Name: {(set.Key == ParameterAttribute.AllParameterSets ? "(All)" : set.Key)}
                      Position: {(set.Value.Position == int.MinValue ? "Named" : set.Value.Position)}
                      IsRequired: {Word(set.Value.IsMandatory)}
                      ValueFromPipeline: {Word(set.Value.ValueFromPipeline)}
                      ValueFromPipelineByPropertyName: {Word(set.Value.ValueFromPipelineByPropertyName)}
                      ValueFromRemainingArguments: {Word(set.Value.ValueFromRemainingArguments)}

                    """),
                $"DontShow: {Word(parameter.Attributes.OfType<ParameterAttribute>().Any(attribute => attribute.DontShow))}\n",
                List("AcceptedValues", accepted),
                "HelpMessage: ''\n",
            ]);
    }

    private static string Word(bool value) => value ? "true" : "false";

    private static string List(string name, IEnumerable<string> items) =>
        items.Any() ? $"{name}:\n{string.Concat(items.Select(item => $"- {item}\n"))}" : $"{name}: []\n";

    private static string ParametersIn(string syntax) => string.Join(' ', Regex.Matches(syntax, @"(?<=[\[ ]-)\w+").Select(match => match.Value));

    private static string Text(PSObject help, string name) => help.Properties[name]?.Value?.ToString() ?? "";

    private static string Paragraphs(PSObject help) => string.Join("\n\n", ((object[])help.Properties["description"].Value)
        .Select(paragraph => Text(PSObject.AsPSObject(paragraph), "Text"))).Replace("\r", "", StringComparison.Ordinal).Trim();
}
