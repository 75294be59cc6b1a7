using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Takes a method's name as text only. Without it, params that stand in the method's place, as in
/// <c>Invoke-BusRequest -Pool a @{ n = 1 }</c>, would silently become the method "System.Collections.Hashtable".
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MethodNameAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? data = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return data as string ?? throw new ArgumentTransformationMetadataException(
            $"A {data?.GetType().Name ?? "null"} is no method: expected a string. Params come second, or after -Params.");
    }
}
