using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace StdioBus.Module.Json;

/// <summary>
/// Turns the bytes of a JSON value into PowerShell objects in one pass. Objects become custom objects, or ordered,
/// case-sensitive dictionaries; arrays become <c>object[]</c>; integers <see cref="long"/>, else <see cref="BigInteger"/>;
/// numbers with a fraction or an exponent <see cref="double"/>; strings stay strings, dates included. Of members with the
/// very same name the last value wins, in the place of the first.
/// </summary>
internal sealed class PowerShellJsonReader
{
    private readonly bool _asHashtable;

    private PowerShellJsonReader(bool asHashtable) => _asHashtable = asHashtable;

    /// <summary>Reads objects as <see cref="PSCustomObject"/>s.</summary>
    public static PowerShellJsonReader Objects { get; } = new(asHashtable: false);

    /// <summary>Reads objects as <see cref="OrderedDictionary"/>s whose keys are case-sensitive.</summary>
    public static PowerShellJsonReader Hashtables { get; } = new(asHashtable: true);

    /// <summary>Converts one JSON value.</summary>
    /// <exception cref="JsonConversionException">The bytes are not one JSON value, are nested too deeply, or hold member names a custom object cannot have.</exception>
    public object? Read(ReadOnlySpan<byte> utf8)
    {
        var path = new JsonPath();
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = JsonLimits.MaxDepth });
        try
        {
            reader.Read();
            object? value = ReadValue(ref reader, path);
            reader.Read();
            return value;
        }
        catch (JsonException error) when (path.Depth >= JsonLimits.MaxDepth)
        {
            throw new JsonConversionException(
                $"The JSON is nested deeper than {JsonLimits.MaxDepth} levels at {path}. -Raw returns the text as it is.", error);
        }
        catch (JsonException error)
        {
            throw new JsonConversionException($"The text is not one JSON value (at {path}): {error.Message}", error);
        }
    }

    private object? ReadValue(ref Utf8JsonReader reader, JsonPath path) => reader.TokenType switch
    {
        JsonTokenType.StartObject => _asHashtable ? ReadDictionary(ref reader, path) : ReadObject(ref reader, path),
        JsonTokenType.StartArray => ReadArray(ref reader, path),
        JsonTokenType.String => JsonStringText.Decode(reader.ValueSpan),
        JsonTokenType.Number => ReadNumber(ref reader),
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => null,
    };

    private object?[] ReadArray(ref Utf8JsonReader reader, JsonPath path)
    {
        var items = new List<object?>();
        path.Push(0);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(ReadValue(ref reader, path));
            path.Pop();
            path.Push(items.Count);
        }

        path.Pop();
        return items.ToArray();
    }

    private OrderedDictionary ReadDictionary(ref Utf8JsonReader reader, JsonPath path)
    {
        var members = new OrderedDictionary(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = JsonStringText.Decode(reader.ValueSpan);
            path.Push(name);
            reader.Read();
            members[name] = ReadValue(ref reader, path);
            path.Pop();
        }

        return members;
    }

    private PSObject ReadObject(ref Utf8JsonReader reader, JsonPath path)
    {
        PSObject result = CustomObject.Make();
        PSMemberInfoCollection<PSPropertyInfo> properties = result.Properties;
        // The engine's own look for a member of that name costs more than everything else here, so it is done with this set
        // and switched off there.
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = JsonStringText.Decode(reader.ValueSpan);
            if (name.Length == 0)
                throw NeedsHashtable(path, "an empty member name");

            path.Push(name);
            reader.Read();
            object? value = ReadValue(ref reader, path);
            path.Pop();
            if (names.Add(name))
                AddProperty(properties, new PSNoteProperty(name, value), path);
            else
                ReplaceProperty(properties[name], name, value, path);
        }

        return result;
    }

    private static void AddProperty(PSMemberInfoCollection<PSPropertyInfo> properties, PSNoteProperty property, JsonPath path)
    {
        try
        {
            properties.Add(property, preValidated: true);
        }
        catch (ExtendedTypeSystemException error)
        {
            throw new JsonConversionException(
                $"The object at {path} has the member '{property.Name}', a name PowerShell keeps for itself. Use -AsHashtable.", error);
        }
    }

    private static void ReplaceProperty(PSPropertyInfo property, string name, object? value, JsonPath path)
    {
        if (!string.Equals(property.Name, name, StringComparison.Ordinal))
            throw NeedsHashtable(path, $"the members '{property.Name}' and '{name}', which differ only by case");

        property.Value = value;
    }

    private static JsonConversionException NeedsHashtable(JsonPath path, string what) =>
        new($"The object at {path} has {what}. A custom object cannot hold that: use -AsHashtable.");

    private static object ReadNumber(ref Utf8JsonReader reader)
    {
        ReadOnlySpan<byte> digits = reader.ValueSpan;
        if (digits.IndexOfAny((byte)'.', (byte)'e', (byte)'E') >= 0)
            return reader.GetDouble();

        if (reader.TryGetInt64(out long integer))
            return integer;

        return BigInteger.Parse(Encoding.ASCII.GetString(digits), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}
