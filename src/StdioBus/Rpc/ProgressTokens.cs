using System.Text;

namespace StdioBus;

/// <summary>Progress tokens that callers choose: strings or numbers, compared by what they mean.</summary>
internal static class ProgressTokens
{
    /// <summary>A form in which equal tokens are equal texts.</summary>
    public static string Normalise(ReadOnlySpan<byte> json) =>
        json.Length >= 2 && json[0] == (byte)'"'
            ? "\"" + JsonStrings.Decode(json)
            : Encoding.UTF8.GetString(json);
}
