using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace StdioBus.Tests.Support;

/// <summary>Random values for properties of the JSON conversion, odd ones more often than chance would give.</summary>
internal static class AnyJson
{
    /// <summary>Any sequence of UTF-16 units: lone surrogates, quotes, backslashes and control characters included.</summary>
    public static Gen<string> Text { get; } = Gen.Frequency(
        (4, Gen.Choose(0x20, 0x7e).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0, 0xffff).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0xd800, 0xdfff).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0x10000, 0x10ffff).Select(char.ConvertFromUtf32)),
        (1, Gen.Elements("\"", "\\", "/", "\0", "\n", "\r", "\u007f", "\u2028", "\u2029", "\ufeff", "\ufffd", "u0041", "<")))
        .ListOf().Select(string.Concat);

    /// <summary>A finite double.</summary>
    public static Gen<double> Number { get; } = Gen.Frequency(
        (2, Gen.Choose(int.MinValue, int.MaxValue).Select(n => n / 1000.0)),
        (2, Gen.Choose(int.MinValue, int.MaxValue).Two().Select(n => BitConverter.Int64BitsToDouble(((long)n.Item1 << 32) ^ (uint)n.Item2)).Where(double.IsFinite)),
        (1, Gen.Elements(0.0, -0.0, double.Epsilon, double.MaxValue, double.MinValue, 0.1, 1e21, 1e-7)));

    /// <summary>JSON text of any value, with spaces, line breaks and escapes where JSON allows them.</summary>
    public static Gen<string> Json { get; } = Gen.Sized(size => JsonOf(Math.Min(size / 4, 5)));

    /// <summary>JSON text of an object or an array.</summary>
    public static Gen<string> Container { get; } = Gen.Sized(size => ContainerOf(Math.Min(1 + (size / 4), 6)));

    /// <summary>Checks a property with many values, and fails the test with the smallest that breaks it.</summary>
    public static void Holds<T>(Gen<T> values, Action<T> property, int times = 500) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(times).WithQuietOnSuccess(true),
            Prop.ForAll(values.ToArbitrary(), value =>
            {
                property(value);
                return true;
            }));

    /// <summary>The name of a member, also one with a lone surrogate: of that the runtime gives the text only.</summary>
    public static string NameOf(JsonProperty member)
    {
        byte[] text = Encoding.UTF8.GetBytes(member.ToString());
        return JsonStrings.Decode(text.AsSpan()[..JsonScan.SkipValue(text, 0)]);
    }

    private static Gen<string> JsonOf(int depth) => depth == 0 ? Scalar : Gen.Frequency((2, Scalar), (1, ContainerOf(depth)));

    private static Gen<string> ContainerOf(int depth) => Gen.OneOf(
        JsonOf(depth - 1).ListOf().Select(items => items.Take(6)).SelectMany(_ => Space, (items, space) => "[" + space + string.Join("," + space, items) + space + "]"),
        StringJson.Zip(JsonOf(depth - 1)).ListOf().Select(members => members.Take(6)).SelectMany(_ => Space, (members, space) => "{" + space + string.Join("," + space, members.Select(member => member.Item1 + space + ":" + space + member.Item2)) + space + "}"));

    private static Gen<string> Space { get; } = Gen.Elements("", "", "", " ", "\n", "\r\n\t ");

    // Each unit plain where it may be, or as an escape.
    private static Gen<string> StringJson { get; } = Text.Zip(Gen.Elements(true, false)).Select(pair =>
    {
        var json = new System.Text.StringBuilder("\"");
        for (int i = 0; i < pair.Item1.Length; i++)
        {
            char c = pair.Item1[i];
            bool isPair = char.IsHighSurrogate(c) && i + 1 < pair.Item1.Length && char.IsLowSurrogate(pair.Item1[i + 1]);
            if (isPair && pair.Item2)
                json.Append(c).Append(pair.Item1[++i]);
            else if (c is '"' or '\\' or < ' ' || char.IsSurrogate(c) || (!pair.Item2 && i % 3 == 0))
                json.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else
                json.Append(c);
        }

        return json.Append('"').ToString();
    });

    private static Gen<string> Scalar { get; } = Gen.Frequency(
        (3, StringJson),
        (1, Gen.Elements("null", "true", "false", "-0", "1.50", "1E+2", "123456789012345678901234567890", "-1.0e-400", "0.1000000000000000055511151231257827")),
        (2, Number.Select(n => n.ToString("R", System.Globalization.CultureInfo.InvariantCulture))));
}
