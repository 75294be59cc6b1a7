using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace StdioBus;

/// <summary>Writes a configuration as the kernel reads it.</summary>
internal static class ConfigWriter
{
    public static byte[] Write(BusConfig config)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("pools");
            foreach (BusPool pool in config.Pools)
                WritePool(writer, pool);
            writer.WriteEndArray();
            if (config.Limits is { IsEmpty: false } limits)
                WriteLimits(writer, limits);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WritePool(Utf8JsonWriter writer, BusPool pool)
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
        if (pool.Environment is { Count: > 0 } environment)
        {
            writer.WriteStartObject("env");
            foreach ((string name, string value) in environment)
                writer.WriteString(name, value);
            writer.WriteEndObject();
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
