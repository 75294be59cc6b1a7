using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>Makes <see cref="SubprocessOptions"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SubprocessBackendOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<SubprocessOptions> Table = new OptionTable<SubprocessOptions>("subprocess option")
        .With<string>("BinaryPath", (options, value) => options.BinaryPath = value)
        .With<int>("StderrBufferLines", (options, value) => options.StderrBufferLines = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);
}

/// <summary>Makes <see cref="DockerOptions"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DockerBackendOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<DockerOptions> Table = new OptionTable<DockerOptions>("docker option")
        .With<string>("Image", (options, value) => options.Image = value)
        .With<PullPolicy>("PullPolicy", (options, value) => options.PullPolicy = value)
        .With<string>("EnginePath", (options, value) => options.EnginePath = value)
        .WithReader("StartupTimeout", (options, value) => options.StartupTimeout = value, BusTimeAttribute.Read)
        .With<string>("ContainerNamePrefix", (options, value) => options.ContainerNamePrefix = value)
        .With<string[]>("ExtraArgs", (options, value) => options.ExtraArgs = value ?? [])
        .WithReader("Environment", (options, value) => options.Environment = value, EnvironmentVariablesAttribute.Read, "env");

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);
}

/// <summary>Makes <see cref="SocketOptions"/> of a hashtable.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SocketBackendOptionsAttribute : ArgumentTransformationAttribute
{
    private static readonly OptionTable<SocketOptions> Table = new OptionTable<SocketOptions>("socket option")
        .With<string>("Host", (options, value) => options.Host = value)
        .With<int>("Port", (options, value) => options.Port = value)
        .With<string>("UnixPath", (options, value) => options.UnixPath = value)
        .WithReader("AccessToken", (options, value) => options.AccessToken = value, AccessTokenAttribute.ReadText)
        .With<bool>("Reconnect", (options, value) => options.Reconnect = value);

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Table.Read(inputData);
}
