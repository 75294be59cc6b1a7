using Xunit;

namespace StdioBus.Module.Tests.Engine;

/// <summary>
/// Texts that a person has looked at and found right, kept beside the tests. Run the tests with STDIOBUS_WRITE_GOLDEN=1 to
/// write them anew, then look at the difference.
/// </summary>
internal static class Golden
{
    public static void Check(string name, string actual)
    {
        string path = Path.Combine(ProductFolder.Root, "tests", "StdioBus.Module.Tests", "Golden", name + ".txt");
        if (Environment.GetEnvironmentVariable("STDIOBUS_WRITE_GOLDEN") == "1")
            File.WriteAllText(path, actual + "\n");

        Assert.True(File.Exists(path), $"There is no golden text {path}; the output was:\n{actual}");
        Assert.Equal(File.ReadAllText(path).TrimEnd('\n'), actual);
    }
}
