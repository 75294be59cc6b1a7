using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using System.Text.RegularExpressions;
using StdioBus.Module.Pipeline;

namespace StdioBus.Module.Handlers;

/// <summary>The values of a script block's <c>$using:</c> expressions, as they are where it was written down.</summary>
internal static partial class UsingVariables
{
    /// <summary>The parameter by which the engine takes such values for a script.</summary>
    public const string Parameter = "--%";

    /// <summary>Reads the values on the pipeline thread. Ends the command when a variable is not there.</summary>
    public static Hashtable Of(ScriptBlock script, PSCmdlet command)
    {
        var values = new Hashtable();
        foreach (UsingExpressionAst expression in script.Ast.FindAll(ast => ast is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>())
            values[KeyOf(expression)] = ValueOf(expression, command);

        return values;
    }

    private static object? ValueOf(UsingExpressionAst expression, PSCmdlet command)
    {
        string name = UsingExpressionAst.ExtractUsingVariable(expression).VariablePath.UserPath;
        PSVariable? variable = command.SessionState.PSVariable.Get(name);
        if (variable is null && command.GetVariableValue(name) is null)
        {
            command.ThrowTerminatingError(BusErrors.InvalidArgument(
                $"-ScriptBlock: there is no variable '${name}' for '{expression.Extent.Text}'.", expression.Extent.Text, "Set the variable before the handler is registered."));
        }

        if (expression.SubExpression is VariableExpressionAst)
            return command.GetVariableValue(name);

        return command.SessionState.InvokeCommand.InvokeScript(UsingPrefix().Replace(expression.SubExpression.Extent.Text, "$1")) switch
        {
            [var only] => only,
            var several => several.ToArray(),
        };
    }

    // How the engine itself names such a value.
    private static string KeyOf(UsingExpressionAst expression)
    {
        string text = expression.ToString();
        if (expression.SubExpression is VariableExpressionAst)
            text = text.ToLowerInvariant();

        return Convert.ToBase64String(Encoding.Unicode.GetBytes(text));
    }

    [GeneratedRegex(@"([$@]\{?)using:", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UsingPrefix();
}
