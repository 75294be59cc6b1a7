using System.Text.Json;

namespace StdioBus.Module.Json;

/// <summary>JSON text that a user wrote, made fit for a protocol of one message a line.</summary>
internal static class JsonOneLine
{
    /// <summary>
    /// The UTF-8 bytes of JSON text, checked, with line breaks replaced by spaces. They can stand only between tokens:
    /// inside a string JSON wants them escaped. Everything else stays as written.
    /// </summary>
    /// <exception cref="JsonConversionException">The text is not one JSON value.</exception>
    public static byte[] FromText(string text)
    {
        byte[] utf8 = Encode(text);
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = JsonLimits.MaxDepth });
        try
        {
            while (reader.Read())
            {
                // Reading to the end is the check.
            }
        }
        catch (JsonException error)
        {
            throw new JsonConversionException($"The text is not one JSON value: {error.Message}", error);
        }

        foreach (ref byte unit in utf8.AsSpan())
        {
            if (unit is (byte)'\n' or (byte)'\r')
                unit = (byte)' ';
        }

        return utf8;
    }

    // A lone surrogate has no UTF-8 form. Inside a JSON string, the only place for it, its escape means the same.
    private static byte[] Encode(string text)
    {
        List<int> lone = [];
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                lone.Add(i);
        }

        if (lone.Count == 0)
            return System.Text.Encoding.UTF8.GetBytes(text);

        var escaped = new System.Text.StringBuilder(text.Length + 6 * lone.Count);
        int from = 0;
        foreach (int at in lone)
        {
            escaped.Append(text, from, at - from).Append("\\u").Append(((int)text[at]).ToString("x4", System.Globalization.CultureInfo.InvariantCulture));
            from = at + 1;
        }

        return System.Text.Encoding.UTF8.GetBytes(escaped.Append(text, from, text.Length - from).ToString());
    }
}
