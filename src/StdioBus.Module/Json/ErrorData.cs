using System.ComponentModel;
using System.Management.Automation;

namespace StdioBus.Module.Json;

/// <summary>The data of a worker's error as scripts see them: objects, as of any other JSON. Used by StdioBus.Types.ps1xml.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ErrorData
{
    /// <summary>The value of <c>RpcData</c> of an exception; its JSON text where that cannot become objects.</summary>
    /// <param name="exception">The exception.</param>
    public static object? RpcData(PSObject? exception)
    {
        if (exception?.BaseObject is not StdioBusException { RpcData: { } data })
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
