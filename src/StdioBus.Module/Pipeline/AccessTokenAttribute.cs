using System.Management.Automation;
using System.Net;
using System.Security;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Takes an access token as a secure string, which nothing shows by accident, or as text, which is what variables of the
/// environment and secret stores give.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AccessTokenAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => ReadText(inputData) is string text
        ? new NetworkCredential("", text).SecurePassword
        : null;

    /// <summary>The token as text; null for none.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It is neither text nor a secure string.</exception>
    public static string? ReadText(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        null => null,
        string text => text,
        SecureString secure => Text(secure),
        var other => throw new ArgumentTransformationMetadataException($"A {other.GetType().Name} is no access token: expected a string or a SecureString."),
    };

    /// <summary>What a secure string holds.</summary>
    public static string Text(SecureString secure) => new NetworkCredential("", secure).Password;
}
