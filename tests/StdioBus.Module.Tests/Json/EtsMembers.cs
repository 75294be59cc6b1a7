using System.Management.Automation;

namespace StdioBus.Module.Tests.Json;

/// <summary>Code members for objects of the tests.</summary>
public static class EtsMembers
{
    public static object Read(PSObject item) => item;

    public static object Throw(PSObject item) => throw new InvalidOperationException($"{item.BaseObject} is out of order");
}
