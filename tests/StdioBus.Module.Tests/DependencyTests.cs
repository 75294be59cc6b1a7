using System.Reflection;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests;

/// <summary>What the module needs beside itself.</summary>
[Trait("Covers", "L27")]
public sealed class DependencyTests
{
    [Fact]
    public void The_module_needs_the_runtime_the_engine_and_its_core_only()
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string?[] needed = [.. Assembly.LoadFrom(Path.Combine(ProductFolder.Module, "StdioBus.Module.dll")).GetReferencedAssemblies().Select(name => name.Name)];
        string?[] ours = ["StdioBus", "System.Management.Automation"];
        Assert.Equal(ours, ours.Intersect(needed));
        Assert.All(needed.Except(ours), name => Assert.True(File.Exists(Path.Combine(runtime, name + ".dll")), $"{name} is not of the runtime"));
    }

    [Fact]
    public void The_module_brings_no_other_assembly() =>
        Assert.Equal(
            ["StdioBus.Module.dll", "StdioBus.dll"],
            Directory.EnumerateFiles(ProductFolder.Module, "*.dll").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
}
