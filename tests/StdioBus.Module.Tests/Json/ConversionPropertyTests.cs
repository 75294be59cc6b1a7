using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using StdioBus.Module.Json;
using Xunit;

namespace StdioBus.Module.Tests.Json;

/// <summary>PowerShell values become JSON and come back, whatever they are.</summary>
[Trait("Covers", "A36")]
public class ConversionPropertyTests
{
    // Any sequence of UTF-16 units, odd ones more often than chance would give.
    private static readonly Gen<string> Text = Gen.Frequency(
        (4, Gen.Choose(0x20, 0x7e).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0, 0xffff).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0xd800, 0xdfff).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(0x10000, 0x10ffff).Select(char.ConvertFromUtf32)),
        (1, Gen.Elements("\"", "\\", "\0", "\n", "\u2028", "\ufeff")))
        .ListOf().Select(string.Concat);

    private static readonly Gen<object?> Scalar = Gen.Frequency(
        (3, Text.Select(text => (object?)text)),
        (1, Gen.Elements<object?>(null, true, false)),
        (2, Gen.Choose(int.MinValue, int.MaxValue).Two().Select(n => (object?)(((long)n.Item1 << 32) ^ (uint)n.Item2))),
        (1, Gen.Choose(1, 400).Select(n => (object?)BigInteger.Negate(BigInteger.Pow(long.MaxValue, n + 1)))),
        (2, Gen.Choose(int.MinValue, int.MaxValue).Two().Select(n => BitConverter.Int64BitsToDouble(((long)n.Item1 << 32) ^ (uint)n.Item2)).Where(double.IsFinite).Select(n => (object?)n)));

    private static readonly Gen<object?> Value = Gen.Sized(size => ValueOf(Math.Min(size / 4, 5)));

    [Fact]
    public void Any_tree_of_dictionaries_arrays_and_scalars_comes_back()
    {
        Holds(Value, value => AssertSame(value, PowerShellJsonReader.Hashtables.Read(PowerShellJsonWriter.Write(value))));
    }

    [Fact]
    public void Any_tree_becomes_custom_objects_or_an_error_that_names_the_way_out()
    {
        Holds(Value, value =>
        {
            byte[] json = PowerShellJsonWriter.Write(value);
            try
            {
                object? read = PowerShellJsonReader.Objects.Read(json);
                AssertSame(value, PowerShellJsonReader.Hashtables.Read(PowerShellJsonWriter.Write(read)));
            }
            catch (JsonConversionException error)
            {
                Assert.Contains("-AsHashtable", error.Message, StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public void What_is_written_is_one_line_of_strict_utf8_json()
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        Holds(Value, value =>
        {
            byte[] json = PowerShellJsonWriter.Write(value);
            Assert.Equal(-1, strict.GetString(json).AsSpan().IndexOfAny('\n', '\r'));
            using var parsed = System.Text.Json.JsonDocument.Parse(json, new() { MaxDepth = 100 });
            Assert.NotEqual(System.Text.Json.JsonValueKind.Undefined, parsed.RootElement.ValueKind);
        });
    }

    [Fact]
    public void Bytes_are_base64_decimals_keep_their_digits_and_dates_their_moment()
    {
        Holds(Gen.Choose(0, int.MaxValue).Two(), n =>
        {
            var bytes = new byte[n.Item1 % 500];
            new Random(n.Item2).NextBytes(bytes);
            Assert.Equal(bytes, Convert.FromBase64String(Assert.IsType<string>(Back(bytes))));
            decimal money = new(n.Item1, n.Item2, n.Item1, n.Item2 % 2 == 0, (byte)(n.Item1 % 29));
            Assert.Equal(money.ToString(CultureInfo.InvariantCulture), Encoding.UTF8.GetString(PowerShellJsonWriter.Write(money)));
            var date = new DateTime((long)n.Item1 * n.Item2 % DateTime.MaxValue.Ticks, DateTimeKind.Utc);
            Assert.Equal(date, DateTime.Parse(Assert.IsType<string>(Back(date)), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
        });

        static object? Back(object value) => PowerShellJsonReader.Objects.Read(PowerShellJsonWriter.Write(value));
    }

    private static Gen<object?> ValueOf(int depth) => depth == 0 ? Scalar : Gen.Frequency(
        (2, Scalar),
        (1, ValueOf(depth - 1).ListOf().Select(items => (object?)items.Take(6).ToArray())),
        (1, Gen.Frequency((3, Text), (1, Gen.Elements("a", "A", ""))).Zip(ValueOf(depth - 1)).ListOf().Select(members =>
        {
            var made = new OrderedDictionary(StringComparer.Ordinal);
            foreach ((string name, object? value) in members.Take(6))
                made[name] = value;
            return (object?)made;
        })));

    private static void Holds<T>(Gen<T> values, Action<T> property) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true),
            Prop.ForAll(values.ToArbitrary(), value =>
            {
                property(value);
                return true;
            }));

    private static void AssertSame(object? expected, object? actual)
    {
        switch (expected)
        {
            case OrderedDictionary members:
                var read = Assert.IsType<OrderedDictionary>(actual);
                Assert.Equal(members.Keys.Cast<string>(), read.Keys.Cast<string>());
                foreach (DictionaryEntry member in members)
                    AssertSame(member.Value, read[member.Key]);
                break;
            case object[] items:
                object?[] readItems = Assert.IsType<object?[]>(actual);
                Assert.Equal(items.Length, readItems.Length);
                for (int i = 0; i < items.Length; i++)
                    AssertSame(items[i], readItems[i]);
                break;
            case double number:
                Assert.Equal(BitConverter.DoubleToInt64Bits(number), BitConverter.DoubleToInt64Bits(Assert.IsType<double>(actual)));
                break;
            default:
                Assert.Equal(expected, actual is PSObject wrapped ? wrapped.BaseObject : actual);
                Assert.Equal(expected?.GetType(), actual?.GetType());
                break;
        }
    }
}
