using System.Collections;
using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Which keys a hashtable of options may have and what each sets. Written out rather than left to the engine's own
/// conversion, which a constrained language mode forbids and which reads times and paths in its own way.
/// </summary>
/// <typeparam name="T">The class the options are of.</typeparam>
/// <param name="kind">What the options are called in messages.</param>
internal sealed class OptionTable<T>(string kind)
    where T : class, new()
{
    private readonly Dictionary<string, Action<T, object?>> _setters = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _names = [];

    /// <summary>Adds a key, with the other spellings it has elsewhere.</summary>
    public OptionTable<T> With<TValue>(string name, Action<T, TValue> set, params string[] alsoKnownAs) =>
        WithReader(name, set, static value => LanguagePrimitives.ConvertTo<TValue>(value), alsoKnownAs);

    /// <summary>Adds a key whose value is read in a way of its own.</summary>
    public OptionTable<T> WithReader<TValue>(string name, Action<T, TValue> set, Func<object?, TValue> read, params string[] alsoKnownAs)
    {
        void Setter(T options, object? value) => set(options, read(value));
        _names.Add(name);
        _setters.Add(name, Setter);
        foreach (string other in alsoKnownAs)
            _setters.Add(other, Setter);

        return this;
    }

    /// <summary>Takes an object of the class as it is, and makes one from a hashtable.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">A key is unknown, or its value is of the wrong kind.</exception>
    public T? Read(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        return data switch
        {
            null => null,
            T options => options,
            IDictionary table => Read(table.Cast<DictionaryEntry>().Select(entry => (entry.Key.ToString() ?? "", entry.Value))),
            PSCustomObject => Read(((PSObject)value!).Properties.Select(property => (property.Name, (object?)property.Value))),
            _ => throw new ArgumentTransformationMetadataException(
                $"A {data.GetType().Name} is no {kind}: expected a hashtable or a {typeof(T).FullName}."),
        };
    }

    private T Read(IEnumerable<(string Name, object? Value)> entries)
    {
        var options = new T();
        var given = new Dictionary<Action<T, object?>, string>();
        foreach ((string name, object? value) in entries)
        {
            if (!_setters.TryGetValue(name, out Action<T, object?>? set))
                throw new ArgumentTransformationMetadataException($"A {kind} has no '{name}'. It may have: {string.Join(", ", _names)}.");
            if (!given.TryAdd(set, name))
                throw new ArgumentTransformationMetadataException($"A {kind} has one '{_names.First(each => _setters[each] == set)}', and it is given twice: '{given[set]}' and '{name}'.");

            // As with a parameter that is not given.
            if (value is null)
                continue;

            try
            {
                set(options, value is PSObject wrapped ? wrapped.BaseObject : value);
            }
            catch (Exception error) when (error is PSInvalidCastException or ArgumentTransformationMetadataException)
            {
                throw new ArgumentTransformationMetadataException($"The '{name}' of a {kind} cannot be '{value}': {error.Message}", error);
            }
        }

        return options;
    }
}
