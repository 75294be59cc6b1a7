using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>The handshake that the parameters -Initialize and -Handshake of a command ask for.</summary>
internal static class PoolHandshake
{
    /// <summary>Ends the command when there is a handshake for pools that are not its own, so that nobody would send it.</summary>
    public static void RequireOwnPools(PSCmdlet command, BackendKind backend, object? initialize, object[]? handshake)
    {
        if (backend == BackendKind.Socket && (initialize ?? handshake) is { } greeting)
        {
            command.ThrowTerminatingError(BusErrors.InvalidArgument(
                $"-{(initialize is null ? "Handshake" : "Initialize")}: with -Backend Socket the pools, and what their workers are sent first, are those of the daemon.",
                greeting, "Put the handshake into the daemon's configuration."));
        }
    }

    /// <summary>The messages; none without either. Ends the command when both are given.</summary>
    /// <param name="command">The command.</param>
    /// <param name="initialize">What <see cref="InitializeParamsAttribute"/> made of -Initialize.</param>
    /// <param name="handshake">What <see cref="HandshakeMessagesAttribute"/> made of -Handshake.</param>
    public static IList<RawJson> Of(PSCmdlet command, object? initialize, object[]? handshake)
    {
        if (initialize is not null && handshake is not null)
        {
            command.ThrowTerminatingError(BusErrors.InvalidArgument(
                "-Initialize and -Handshake are mutually exclusive.", target: null, "-Initialize is for MCP and ACP; give -Handshake the messages of another protocol."));
        }

        return [.. (initialize as object[] ?? handshake ?? []).Cast<RawJson>()];
    }
}
