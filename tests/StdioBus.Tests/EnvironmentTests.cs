using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>A worker has the variables that the process has when the bus starts, and those of its pool.</summary>
public sealed class EnvironmentTests
{
    [Fact(DisplayName = "Workers see variables that were set and do not see those that were removed since the process began")]
    public async Task Workers_see_the_environment_as_it_is_now()
    {
        Environment.SetEnvironmentVariable("STDIOBUS_TEST_SET", "set later");
        Environment.SetEnvironmentVariable("STDIOBUS_TEST_BOTH", "of the process");
        string removed = OperatingSystem.IsWindows() ? "USERNAME" : "HOME"; // which every process begins with
        string? value = Environment.GetEnvironmentVariable(removed);
        Assert.NotNull(value);
        BusPool pool = TestWorkers.Pool("env");
        pool.Environment["STDIOBUS_TEST_BOTH"] = "of the pool";
        try
        {
            Environment.SetEnvironmentVariable(removed, null);
            await using Bus bus = await TestWorkers.StartAsync(pool);
            string[] names = ["STDIOBUS_TEST_SET", "STDIOBUS_TEST_BOTH", removed];
            Assert.Equal("""["set later","of the pool",null]""", (await bus.RequestAsync("variables", new { names }).Soon()).GetRawText());
            Assert.Equal(["STDIOBUS_TEST_BOTH"], bus.Pools[0].Environment.Keys);
        }
        finally
        {
            Environment.SetEnvironmentVariable(removed, value);
            Environment.SetEnvironmentVariable("STDIOBUS_TEST_SET", null);
            Environment.SetEnvironmentVariable("STDIOBUS_TEST_BOTH", null);
        }
    }

    [Fact(DisplayName = "A bare command is looked up on the PATH as it is now")]
    public async Task A_command_is_looked_up_on_the_present_path()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("stdiobus-test-");
        string name = $"stdiobus-test-{Guid.NewGuid():n}";
        Shim.Write(folder.FullName, name, TestWorkers.Program);
        string path = Environment.GetEnvironmentVariable("PATH")!;
        try
        {
            Environment.SetEnvironmentVariable("PATH", $"{folder.FullName}{Path.PathSeparator}{path}");
            await using Bus bus = await TestWorkers.StartAsync(new BusPool("shim", name));
            Assert.Equal("{}", (await bus.RequestAsync("echo", new { }).Soon()).GetRawText());
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
            folder.Delete(recursive: true);
        }
    }
}
