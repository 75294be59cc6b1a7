using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;

namespace StdioBus.Module.Json;

/// <summary>
/// Writes PowerShell values as JSON bytes. Data has a form here (dictionaries, custom objects and script classes,
/// collections, scalars); anything else is refused with its path and type, since the properties of a live .NET object
/// are rarely what a worker should get. Byte arrays become one base64 string. A dictionary gives its entries, a custom
/// object every property that can be read, members added by Add-Member included.
/// </summary>
internal sealed class PowerShellJsonWriter
{
    // What larger dictionaries leave is not kept.
    private const int MostNamesToKeep = 64;

    // The next to write on this thread. Not while one writes: a property may be a script that writes in turn.
    [ThreadStatic]
    private static PowerShellJsonWriter? t_spare;

    private readonly JsonPath _path = new();
    private readonly List<object> _ancestors = [];
    private readonly Stack<HashSet<string>> _spareNames = new();
    private JsonTextWriter _text = null!;

    private PowerShellJsonWriter()
    {
    }

    /// <summary>The JSON bytes of a value, on one line.</summary>
    /// <exception cref="JsonConversionException">A part of the value has no JSON form, contains itself, or is nested too deeply.</exception>
    public static byte[] Write(object? value)
    {
        PowerShellJsonWriter writer = t_spare ?? new PowerShellJsonWriter();
        t_spare = null;
        using var text = new JsonTextWriter();
        writer._text = text;
        writer.WriteValue(value);
        // Not after an error, which leaves it in the middle of a value.
        t_spare = writer;
        return text.ToArray();
    }

    private void WriteValue(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        switch (data)
        {
            case null or DBNull:
            case not null when ReferenceEquals(value, AutomationNull.Value):
                _text.Literal("null"u8);
                break;
            case string text:
                _text.String(text);
                break;
            case PSCustomObject:
                WriteProperties((PSObject)value!, value!);
                break;
            case IDictionary dictionary:
                WriteDictionary(dictionary);
                break;
            case byte[] bytes:
                _text.Mark('"');
                _text.Ascii(Convert.ToBase64String(bytes));
                _text.Mark('"');
                break;
            case JsonElement or JsonDocument or JsonNode or RawJson:
                _text.Literal(JsonOneLine.FromText(TextOf(data)));
                break;
            case Array { Rank: > 1 }:
                throw Refused(data, "has more than one dimension; use an array of arrays");
            case IEnumerable items when IsCollection(data):
                WriteArray(items);
                break;
            default:
                if (!TryWriteScalar(data!))
                    WriteOther(data!);
                break;
        }
    }

    private static string TextOf(object json) => json switch
    {
        JsonElement element => element.GetRawText(),
        JsonDocument document => document.RootElement.GetRawText(),
        JsonNode node => node.ToJsonString(),
        _ => json.ToString() ?? "null",
    };

    // These enumerate something that is not their content, or only half of it.
    private static bool IsCollection(object value) => value is not (XmlNode or NameObjectCollectionBase);

    private bool TryWriteScalar(object value)
    {
        switch (value)
        {
            case Enum choice:
                _text.String(choice.ToString());
                return true;
            case bool flag:
                _text.Literal(flag ? "true"u8 : "false"u8);
                return true;
            case SwitchParameter flag:
                _text.Literal(flag.IsPresent ? "true"u8 : "false"u8);
                return true;
            case int or long or short or sbyte or byte or ushort or uint:
                _text.Integer(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                return true;
            case ulong or decimal or BigInteger or Int128 or UInt128:
                _text.Ascii(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                return true;
            case double number:
                WriteFloat(number, number.ToString("R", CultureInfo.InvariantCulture));
                return true;
            case float number:
                WriteFloat(number, number.ToString("R", CultureInfo.InvariantCulture));
                return true;
            case Half number:
                WriteFloat((double)number, number.ToString("R", CultureInfo.InvariantCulture));
                return true;
        }

        string? text = value switch
        {
            char unit => unit.ToString(),
            DateTime or DateTimeOffset or DateOnly or TimeOnly => ((IFormattable)value).ToString("o", CultureInfo.InvariantCulture),
            Guid or Version => value.ToString(),
            Uri uri => uri.OriginalString,
            // $PSVersionTable.PSVersion: a version to every user, but a type the reference assembly does not know.
            _ when value.GetType().FullName == "System.Management.Automation.SemanticVersion" => value.ToString(),
            _ => null,
        };
        if (text is null)
            return false;

        _text.String(text);
        return true;
    }

    private void WriteFloat(double number, string text)
    {
        if (!double.IsFinite(number))
            throw new JsonConversionException($"{_path} is {text}, a number JSON does not have. Pass $null or a string instead.");

        _text.Ascii(text);
        // A double stays one on the way back: 1 is written as 1.0.
        if (text.AsSpan().IndexOfAny('.', 'E') < 0)
            _text.Literal(".0"u8);
    }

    private void WriteArray(IEnumerable items)
    {
        Enter(items);
        _text.Mark('[');
        int index = 0;
        foreach (object? item in items)
        {
            if (index > 0)
                _text.Mark(',');

            _path.Push(index++);
            WriteValue(item);
            _path.Pop();
        }

        _text.Mark(']');
        Leave();
    }

    private void WriteDictionary(IDictionary dictionary)
    {
        Enter(dictionary);
        _text.Mark('{');
        HashSet<string> names = _spareNames.TryPop(out HashSet<string>? spare) ? spare : new HashSet<string>(dictionary.Count, StringComparer.Ordinal);
        foreach (DictionaryEntry entry in dictionary)
        {
            string name = NameOf(entry.Key);
            if (!names.Add(name))
                throw new JsonConversionException($"{_path} has two keys that both read '{name}' as text. JSON members are told apart by their text.");

            WriteMember(name, entry.Value, first: names.Count == 1);
        }

        if (names.Count <= MostNamesToKeep)
        {
            names.Clear();
            _spareNames.Push(names);
        }

        _text.Mark('}');
        Leave();
    }

    private void WriteProperties(PSObject item, object identity)
    {
        Enter(identity);
        _text.Mark('{');
        bool first = true;
        foreach (PSPropertyInfo property in item.Properties)
        {
            if (!property.IsGettable)
                continue;

            WriteMember(property.Name, ValueOf(property), first);
            first = false;
        }

        _text.Mark('}');
        Leave();
    }

    private void WriteMember(string name, object? value, bool first)
    {
        if (!first)
            _text.Mark(',');

        _text.String(name);
        _text.Mark(':');
        _path.Push(name);
        WriteValue(value);
        _path.Pop();
    }

    private object? ValueOf(PSPropertyInfo property)
    {
        try
        {
            return property.Value;
        }
        catch (GetValueException error)
        {
            _path.Push(property.Name);
            throw new JsonConversionException($"{_path} could not be read: {error.Message}", error);
        }
    }

    private string NameOf(object key)
    {
        object data = key is PSObject wrapped ? wrapped.BaseObject : key;
        return data switch
        {
            string text => text,
            Enum or char or Guid or Version or Uri => data.ToString()!,
            IConvertible or BigInteger => Convert.ToString(data, CultureInfo.InvariantCulture)!,
            _ => throw Refused(data, "cannot be a key; use a string", " has a key that"),
        };
    }

    private void WriteOther(object value)
    {
        // An instance of a class written in the script: its properties are data of the user's own making.
        if (value.GetType().Assembly.IsDynamic)
            WriteProperties(PSObject.AsPSObject(value), value);
        else
            throw Refused(value, "has no JSON form; pass the values you need, for example in a hashtable");
    }

    private JsonConversionException Refused(object value, string why, string subject = "") =>
        new($"{_path}{subject} is a {value.GetType().FullName}, which {why}.");

    private void Enter(object container)
    {
        for (int i = 0; i < _ancestors.Count; i++)
        {
            if (ReferenceEquals(_ancestors[i], container))
                throw new JsonConversionException($"{_path} contains itself: it is the same object as {_path.ToString(i)}.");
        }

        if (_ancestors.Count == JsonLimits.MaxDepth)
            throw new JsonConversionException($"{_path} is nested deeper than {JsonLimits.MaxDepth} levels.");

        _ancestors.Add(container);
    }

    private void Leave() => _ancestors.RemoveAt(_ancestors.Count - 1);
}
