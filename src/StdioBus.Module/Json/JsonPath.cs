using System.Text;

namespace StdioBus.Module.Json;

/// <summary>
/// Where a conversion stands inside the value. Steps cost a list entry each; the text is made only for an error.
/// </summary>
internal sealed class JsonPath
{
    // A step is a member's name (string) or an element's index (null name).
    private readonly List<(string? Name, int Index)> _steps = [];

    public int Depth => _steps.Count;

    public void Push(string name) => _steps.Add((name, 0));

    public void Push(int index) => _steps.Add((null, index));

    public void Pop() => _steps.RemoveAt(_steps.Count - 1);

    public override string ToString() => ToString(_steps.Count);

    /// <summary>The path of an ancestor: its first <paramref name="steps"/> steps, shortened in the middle when it is very long.</summary>
    public string ToString(int steps)
    {
        const int Shown = 12;
        var text = new StringBuilder("$");
        for (int i = 0; i < steps; i++)
        {
            if (steps > 2 * Shown && i == Shown)
            {
                text.Append("…");
                i = steps - Shown;
            }

            Append(text, _steps[i]);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, (string? Name, int Index) step)
    {
        if (step.Name is null)
            text.Append('[').Append(step.Index).Append(']');
        else if (IsPlainName(step.Name))
            text.Append('.').Append(step.Name);
        else
            text.Append("['").Append(step.Name.Replace("'", "\\'", StringComparison.Ordinal)).Append("']");
    }

    private static bool IsPlainName(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
            return false;

        foreach (char c in name)
        {
            if (!char.IsLetterOrDigit(c) && c != '_' && c != '$')
                return false;
        }

        return true;
    }
}
