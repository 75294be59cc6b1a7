using System.Globalization;
using System.Management.Automation.Host;

namespace StdioBus.Module.Handlers;

/// <summary>
/// The host of whoever registered a handler, as the handler's script sees it: all of it, but that <c>exit</c> ends the script
/// and not the program.
/// </summary>
internal sealed class HandlerHost(PSHost host) : PSHost
{
    /// <summary>What the script gave to <c>exit</c>; null when it called none.</summary>
    public int? ExitCode { get; set; }

    /// <inheritdoc/>
    public override string Name => host.Name;

    /// <inheritdoc/>
    public override Version Version => host.Version;

    /// <inheritdoc/>
    public override Guid InstanceId => host.InstanceId;

    /// <inheritdoc/>
    public override CultureInfo CurrentCulture => host.CurrentCulture;

    /// <inheritdoc/>
    public override CultureInfo CurrentUICulture => host.CurrentUICulture;

    /// <inheritdoc/>
    public override PSHostUserInterface UI => host.UI;

    /// <inheritdoc/>
    public override System.Management.Automation.PSObject PrivateData => host.PrivateData;

    /// <inheritdoc/>
    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    /// <inheritdoc/>
    public override void EnterNestedPrompt() => host.EnterNestedPrompt();

    /// <inheritdoc/>
    public override void ExitNestedPrompt() => host.ExitNestedPrompt();

    /// <inheritdoc/>
    public override void NotifyBeginApplication() => host.NotifyBeginApplication();

    /// <inheritdoc/>
    public override void NotifyEndApplication() => host.NotifyEndApplication();
}
