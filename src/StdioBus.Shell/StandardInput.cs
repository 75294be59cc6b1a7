using System.Collections.Concurrent;
using System.Management.Automation.Language;
using System.Text;

namespace StdioBus.Shell;

/// <summary>
/// The lines of stdin as pipeline input, for a script that asks for them. One that does not keeps stdin for itself: it may
/// read it as <c>[Console]::In</c>, or hand it to a program that it starts.
/// </summary>
internal static class StandardInput
{
    /// <summary>
    /// True for a redirected stdin and a script that uses <c>$input</c>, has a <c>process</c> block, or has a parameter that
    /// takes pipeline input; what functions and script blocks inside it do is their own affair.
    /// </summary>
    public static bool IsWantedBy(Ast script) =>
        Console.IsInputRedirected
        && (script.Find(ast => ast is VariableExpressionAst { VariablePath.UserPath: var name } && name.Equals("input", StringComparison.OrdinalIgnoreCase), searchNestedScriptBlocks: false) is not null
            || script is ScriptBlockAst { ProcessBlock: not null }
            || script.Find(TakesPipelineInput, searchNestedScriptBlocks: false) is not null);

    /// <summary>All of stdin as a script's text.</summary>
    public static string ReadScript()
    {
        using var reader = Open();
        return reader.ReadToEnd();
    }

    /// <summary>
    /// The lines as they come, until the end of stdin. They are read on a thread of their own, which the end of the process
    /// does not wait for: nothing else can end a read that waits.
    /// </summary>
    public static BlockingCollection<string> ReadLines()
    {
        var lines = new BlockingCollection<string>();
        var thread = new Thread(() =>
        {
            using var reader = Open();
            while (reader.ReadLine() is { } line)
                lines.Add(line);
            lines.CompleteAdding();
        })
        {
            IsBackground = true,
            Name = "stdin",
        };
        thread.Start();
        return lines;
    }

    private static StreamReader Open() => new(Console.OpenStandardInput(), Encoding.UTF8);

    private static bool TakesPipelineInput(Ast ast) =>
        ast is NamedAttributeArgumentAst { ArgumentName: var name }
        && name.StartsWith("ValueFromPipeline", StringComparison.OrdinalIgnoreCase)
        && ast.Parent is AttributeAst { Parent: ParameterAst };
}
