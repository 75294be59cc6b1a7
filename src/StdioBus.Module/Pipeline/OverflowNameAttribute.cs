using System.Management.Automation;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// Takes what a full subscription is to do by any of its names. The parameter is no enumeration itself, for then Tab would
/// offer each name of a value, and <see cref="OverflowPolicy.Drop"/> is one that has two.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OverflowNameAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        LanguagePrimitives.TryConvertTo(inputData, out OverflowPolicy policy) && Enum.IsDefined(policy)
            ? policy
            : throw new ArgumentTransformationMetadataException($"'{inputData}' is not known: expected DropNewest, DropOldest, Close or Block.");
}
