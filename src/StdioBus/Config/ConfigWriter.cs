using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace StdioBus;

/// <summary>Writes a configuration as the kernel reads it.</summary>
internal static class ConfigWriter
{
    /// <summary>The configuration as it was given.</summary>
    public static byte[] Write(BusConfig config) => Write(config, null);

    /// <summary>
    /// The configuration with every pool's environment written out whole. The runtime keeps the variables of the process
    /// in a copy of its own, so that a kernel in the process would not see those that were set or removed since it began.
    /// </summary>
    public static byte[] WriteForThisProcess(BusConfig config) =>
        Write(config, System.Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(each => (string)each.Key, each => (string?)each.Value ?? "", StringComparer.Ordinal));

    /// <summary>
    /// The configuration for a process that is started here: it inherits the environment, but not what relative paths are
    /// relative to where it reads them from.
    /// </summary>
    public static byte[] WriteForDaemon(BusConfig config)
    {
        var copy = new BusConfig { Pools = [.. config.Pools.Select(pool => pool.Copy())], Limits = config.Limits };
        foreach (BusPool pool in copy.Pools)
        {
            if (pool.Command.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))
                pool.Command = Path.GetFullPath(pool.Command);
            if (pool.WorkingDirectory is { } folder)
                pool.WorkingDirectory = Path.GetFullPath(folder);
        }

        return Write(copy);
    }

    private static byte[] Write(BusConfig config, Dictionary<string, string>? inherited)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("pools");
            foreach (BusPool pool in config.Pools)
                WritePool(writer, pool, inherited);
            writer.WriteEndArray();
            if (config.Limits is { IsEmpty: false } limits)
                WriteLimits(writer, limits);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WritePool(Utf8JsonWriter writer, BusPool pool, Dictionary<string, string>? inherited)
    {
        writer.WriteStartObject();
        writer.WriteString("id", pool.Id);
        writer.WriteString("command", pool.Command);
        if (pool.ArgumentList is { Count: > 0 } arguments)
        {
            writer.WriteStartArray("args");
            foreach (string argument in arguments)
                writer.WriteStringValue(argument);
            writer.WriteEndArray();
        }

        writer.WriteNumber("instances", pool.Instances);
        if (inherited is not null)
        {
            var whole = new Dictionary<string, string>(inherited, StringComparer.Ordinal);
            foreach ((string name, string value) in pool.Environment)
                whole[name] = value;
            writer.WriteBoolean("inherit_env", false);
            WriteVariables(writer, whole);
        }
        else if (pool.Environment is { Count: > 0 } environment)
        {
            WriteVariables(writer, environment);
        }

        if (pool.WorkingDirectory is { } folder)
            writer.WriteString("cwd", folder);
        writer.WriteString("envelope", PoolWords.Name(pool.Envelope));
        if (pool.Dialect != Dialect.Auto)
            writer.WriteString("dialect", PoolWords.Name(pool.Dialect));
        if (pool.DefaultMethod is { } method)
            writer.WriteString("default_method", method);
        if (pool.InheritStandardError)
            writer.WriteString("stderr", "inherit");
        if (pool.Handshake is { Count: > 0 } handshake)
        {
            writer.WriteStartArray("handshake");
            foreach (RawJson message in handshake)
                writer.WriteRawValue(message.Utf8.Span);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteVariables(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, string>> variables)
    {
        writer.WriteStartObject("env");
        foreach ((string name, string value) in variables)
            writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    private static void WriteLimits(Utf8JsonWriter writer, BusLimits limits)
    {
        writer.WriteStartObject("limits");
        foreach (LimitField field in LimitFields.All)
            if (field.Get(limits) is { } value)
                writer.WriteNumber(field.JsonName, value);
        writer.WriteEndObject();
    }
}
