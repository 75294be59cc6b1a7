using System.Management.Automation;
using System.Reflection;

namespace StdioBus.Module.Json;

/// <summary>
/// Makes custom objects, with room for members from the beginning: then an object has its members itself. Otherwise the engine
/// keeps them in a table of all objects, whose every entry costs each garbage collection something.
/// </summary>
internal static class CustomObject
{
    private static readonly object Room = 4;

    // In every engine from 7.0 on, but not in the library that this is compiled against.
    private static readonly ConstructorInvoker? WithRoom =
        typeof(PSObject).GetConstructor([typeof(int)]) is { } constructor ? ConstructorInvoker.Create(constructor) : null;

    /// <summary>One without members.</summary>
    public static PSObject Make() => WithRoom is { } constructor ? (PSObject)constructor.Invoke(Room) : new PSObject();
}
