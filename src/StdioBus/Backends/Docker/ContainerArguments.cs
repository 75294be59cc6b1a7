using System.Globalization;

namespace StdioBus;

/// <summary>How a bus's container is made.</summary>
internal static class ContainerArguments
{
    /// <summary>A label with the bus's name; whatever has it is, or was, the container of a bus.</summary>
    public const string BusLabel = "stdiobus.bus";

    /// <summary>A label with the id of the process that made it.</summary>
    public const string HostPidLabel = "stdiobus.host-pid";

    /// <summary>A label with the name of the machine that this process runs on.</summary>
    public const string HostNameLabel = "stdiobus.host-name";

    /// <summary>The arguments of the engine's <c>create</c>. It prints the container's id.</summary>
    public static IEnumerable<string> Create(DockerOptions options, string name, string busName, string logLevel)
    {
        var arguments = new List<string>
        {
            "create", "--pull", "never", "--interactive", "--rm", "--name", name,
            "--label", $"{BusLabel}={busName}",
            "--label", string.Create(CultureInfo.InvariantCulture, $"{HostPidLabel}={Environment.ProcessId}"),
            "--label", $"{HostNameLabel}={Environment.MachineName}",

            // The engine chooses the port.
            "--publish", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1::{BusContainer.Port}"),

            // The image has one for containers that nobody is connected to.
            "--no-healthcheck",
        };
        foreach ((string variable, string value) in options.Environment)
            arguments.AddRange(["--env", $"{variable}={value}"]);
        arguments.AddRange(options.ExtraArgs);
        arguments.AddRange([options.Image!, "--host-fd", "0", "--tcp", string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{BusContainer.Port}"), "--log-level", logLevel]);
        return arguments;
    }
}
