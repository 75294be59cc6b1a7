using System.ComponentModel;
using System.Management.Automation;

namespace StdioBus.Module.Json;

/// <summary>
/// Properties that are JSON text in the library, as scripts see them: objects, as of any other JSON, and the text where that
/// cannot become objects. Used by StdioBus.Types.ps1xml.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class JsonProperties
{
    /// <summary>The value of <c>RpcData</c> of an exception.</summary>
    /// <param name="exception">The exception.</param>
    public static object? RpcData(PSObject? exception) => Objects((exception?.BaseObject as StdioBusException)?.RpcData);

    /// <summary>The value of <c>Handshake</c> of a worker.</summary>
    /// <param name="worker">The worker.</param>
    public static object? Handshake(PSObject? worker) => Objects((worker?.BaseObject as BusWorker)?.Handshake);

    private static object? Objects(RawJson? json)
    {
        if (json is not { } data)
            return null;
        try
        {
            return PowerShellJsonReader.Objects.Read(data.Utf8.Span);
        }
        catch (JsonConversionException)
        {
            return data.ToString();
        }
    }
}
