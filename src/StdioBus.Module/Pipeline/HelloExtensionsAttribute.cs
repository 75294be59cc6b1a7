using System.Collections;
using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Takes the extensions of a handshake as names, or as a hashtable of names with a version, options, or nothing.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class HelloExtensionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<HelloExtension> Table = new OptionTable<HelloExtension>("extension")
        .With<string>("Version", (extension, value) => extension.Version = value)
        .With<bool>("Required", (extension, value) => extension.Required = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var extensions = new Dictionary<string, HelloExtension>(StringComparer.Ordinal);
        switch (Unwrapped(inputData))
        {
            case null:
                return null;
            case IDictionary table:
                foreach (DictionaryEntry entry in table)
                    extensions[Name(entry.Key)] = Read(entry.Value);

                break;
            case string name:
                extensions[Name(name)] = new HelloExtension();
                break;
            case IEnumerable names:
                foreach (object? name in names)
                    extensions[Name(name)] = new HelloExtension();

                break;
            case var other:
                throw Refused(other);
        }

        return extensions;
    }

    private static HelloExtension Read(object? value) => Unwrapped(value) switch
    {
        null => new HelloExtension(),
        string version => new HelloExtension(version),
        Version version => new HelloExtension(version.ToString()),
        var other => Table.Read(other)!,
    };

    private static string Name(object? value) => Unwrapped(value) is string { Length: > 0 } name ? name : throw Refused(value);

    private static object? Unwrapped(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    private static ArgumentTransformationMetadataException Refused(object? value) =>
        new($"'{value}' names no extensions: expected their names, or a hashtable of names and versions.");
}
