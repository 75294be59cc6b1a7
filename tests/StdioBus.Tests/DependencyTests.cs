using System.Reflection;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What the library needs beside itself.</summary>
public sealed class DependencyTests
{
    [Fact(DisplayName = "L27: the library needs no assembly beside the runtime's own, so it can collide with none")]
    public void The_library_needs_the_runtime_only()
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        AssemblyName[] needed = typeof(Bus).Assembly.GetReferencedAssemblies();
        Assert.NotEmpty(needed);
        Assert.All(needed, name => Assert.True(File.Exists(Path.Combine(runtime, name.Name + ".dll")), $"{name.Name} is not of the runtime"));
    }

    [Fact(DisplayName = "L27: the kernel's library is loaded by an absolute path, beside the assembly or where the options say")]
    public void The_kernel_is_found_by_its_absolute_path()
    {
        Assert.True(Path.IsPathFullyQualified(KernelLibrary.Load(null).Path));
        Assert.StartsWith(AppContext.BaseDirectory, KernelLibrary.Load(null).Path, StringComparison.Ordinal);
        Assert.Equal(Repository.Version2Kernel, KernelLibrary.Load(Repository.Version2Kernel).Path);
    }
}
