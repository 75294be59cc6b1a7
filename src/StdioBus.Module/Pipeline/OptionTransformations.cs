using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Makes an <see cref="Identity"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class IdentityOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<Identity> Table = new OptionTable<Identity>("identity")
        .With<string>("SubjectId", (identity, value) => identity.SubjectId = value)
        .With<string>("Role", (identity, value) => identity.Role = value)
        .With<string>("AssertedBy", (identity, value) => identity.AssertedBy = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);
}

/// <summary>Makes an <see cref="AuditContext"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AuditOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<AuditContext> Table = new OptionTable<AuditContext>("audit context")
        .With<string>("EventId", (audit, value) => audit.EventId = value)
        .With<string>("Action", (audit, value) => audit.Action = value)
        .With<string>("ParentEventId", (audit, value) => audit.ParentEventId = value)
        .WithReader("Timestamp", (audit, value) => audit.Timestamp = value, ReadTimestamp)
        .With<string>("Actor", (audit, value) => audit.Actor = value)
        .With<string>("Resource", (audit, value) => audit.Resource = value)
        .With<string>("Outcome", (audit, value) => audit.Outcome = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);

    private static string? ReadTimestamp(object? value) =>
        value is DateTime or DateTimeOffset
            ? ((IFormattable)value).ToString("o", CultureInfo.InvariantCulture)
            : LanguagePrimitives.ConvertTo<string>(value);
}

/// <summary>Makes <see cref="BusLimits"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LimitOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<BusLimits> Table = new OptionTable<BusLimits>("limit")
        .With<long>("MaxInputBuffer", (limits, value) => limits.MaxInputBuffer = value, "max_input_buffer")
        .With<long>("MaxOutputQueue", (limits, value) => limits.MaxOutputQueue = value, "max_output_queue")
        .With<int>("MaxRestarts", (limits, value) => limits.MaxRestarts = value, "max_restarts")
        .WithReader("RestartWindowSeconds", (limits, value) => limits.RestartWindowSeconds = value, ReadSeconds, "RestartWindow", "restart_window_sec")
        .WithReader("DrainTimeoutSeconds", (limits, value) => limits.DrainTimeoutSeconds = value, ReadSeconds, "DrainTimeout", "drain_timeout_sec")
        .WithReader("BackpressureTimeoutSeconds", (limits, value) => limits.BackpressureTimeoutSeconds = value, ReadSeconds, "BackpressureTimeout", "backpressure_timeout_sec")
        .With<long>("MaxSessions", (limits, value) => limits.MaxSessions = value, "max_sessions")
        .With<long>("MaxPending", (limits, value) => limits.MaxPending = value, "max_pending")
        .With<long>("MaxPendingPerClient", (limits, value) => limits.MaxPendingPerClient = value, "max_pending_per_client")
        .With<int>("MaxClients", (limits, value) => limits.MaxClients = value, "max_clients")
        .WithReader("StartupTimeoutSeconds", (limits, value) => limits.StartupTimeoutSeconds = value, ReadSeconds, "StartupTimeout", "startup_timeout_sec");

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);

    // The kernel counts these in whole seconds; a fraction is rounded up rather than lost.
    private static int ReadSeconds(object? value)
    {
        TimeSpan time = BusTimeAttribute.Read(value);
        return time == Timeout.InfiniteTimeSpan ? 0 : (int)Math.Ceiling(time.TotalSeconds);
    }
}

/// <summary>Makes <see cref="NativeOptions"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NativeBackendOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<NativeOptions> Table = new OptionTable<NativeOptions>("native option")
        .With<string>("LibraryPath", (options, value) => options.LibraryPath = value)
        .WithReader("PollInterval", (options, value) => options.PollInterval = value, BusTimeAttribute.Read)
        .With<ListenMode>("ListenMode", (options, value) => options.ListenMode = value)
        .With<string>("TcpHost", (options, value) => options.TcpHost = value)
        .With<int>("TcpPort", (options, value) => options.TcpPort = value)
        .With<string>("UnixPath", (options, value) => options.UnixPath = value)
        .WithReader("AccessToken", (options, value) => options.AccessToken = value, AccessTokenAttribute.ReadText)
        .With<bool>("AllowRemote", (options, value) => options.AllowRemote = value)
        .With<BusLogLevel>("LogLevel", (options, value) => options.LogLevel = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);
}

/// <summary>Makes <see cref="BusPool"/>s of hashtables, with the parameter names of New-BusPool or the names of a configuration file.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PoolOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<BusPool> Table = new OptionTable<BusPool>("pool")
        .With<string>("Id", (pool, value) => pool.Id = value)
        .WithReader("Command", (pool, value) => pool.Command = value, WorkerCommandAttribute.Read)
        .With<string[]>("ArgumentList", (pool, value) => pool.ArgumentList = value ?? [], "args")
        .With<int>("Instances", (pool, value) => pool.Instances = value)
        .WithReader("Environment", (pool, value) => pool.Environment = value, EnvironmentVariablesAttribute.Read, "env")
        .With<string>("WorkingDirectory", (pool, value) => pool.WorkingDirectory = value, "cwd")
        .With<EnvelopeKind>("Envelope", (pool, value) => pool.Envelope = value)
        .With<Dialect>("Dialect", (pool, value) => pool.Dialect = value)
        .With<string>("DefaultMethod", (pool, value) => pool.DefaultMethod = value, "default_method")
        .WithReader("Initialize", Greet, InitializeParamsAttribute.Read)
        .WithReader("Handshake", Greet, HandshakeMessagesAttribute.Read);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? data = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return data is IList several
            ? several.Cast<object?>().Select(Table.Read).ToArray()
            : new[] { Table.Read(data) };
    }

    private static void Greet(BusPool pool, RawJson[] messages)
    {
        if (pool.Handshake.Count > 0)
            throw new ArgumentTransformationMetadataException("A pool has an Initialize or a Handshake, not both.");
        pool.Handshake = messages;
    }
}

/// <summary>Takes a program as text, as what Get-Command gives, or as a file.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WorkerCommandAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Read(inputData);

    /// <summary>The program's path or name.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It is something that cannot run as a process.</exception>
    public static string Read(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        return data switch
        {
            string text => text,
            ApplicationInfo program => program.Path,
            ExternalScriptInfo script => script.Path,
            FileInfo file => file.FullName,
            _ => throw new ArgumentTransformationMetadataException(
                $"A {data?.GetType().Name ?? "null"} is no program for a worker: expected a path, a name on PATH, a script file, or what Get-Command gives for one."),
        };
    }
}

/// <summary>Takes environment variables as a hashtable; values become text.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EnvironmentVariablesAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Read(inputData);

    /// <summary>The variables by name.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It is no dictionary.</exception>
    public static Dictionary<string, string> Read(object? value)
    {
        object? data = value is PSObject wrapped ? wrapped.BaseObject : value;
        if (data is not IDictionary table)
            throw new ArgumentTransformationMetadataException($"A {data?.GetType().Name ?? "null"} cannot be an environment: expected a hashtable of names and values.");

        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in table)
            variables[LanguagePrimitives.ConvertTo<string>(entry.Key)] = LanguagePrimitives.ConvertTo<string>(entry.Value);

        return variables;
    }
}
