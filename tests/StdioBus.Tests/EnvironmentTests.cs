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
        const string Removed = "HOME"; // which every process begins with
        string? value = Environment.GetEnvironmentVariable(Removed);
        Assert.NotNull(value);
        var pool = new BusPool("env", "/bin/sh", ["-c", $"read line; echo \"$STDIOBUS_TEST_SET|$STDIOBUS_TEST_BOTH|${{{Removed}-gone}}\" >&2; exit 3"]);
        pool.Environment["STDIOBUS_TEST_BOTH"] = "of the pool";
        try
        {
            Environment.SetEnvironmentVariable(Removed, null);
            await using Bus bus = await TestWorkers.StartAsync(pool);
            var error = await Assert.ThrowsAsync<BusTransportException>(() => bus.RequestAsync("any").Soon());
            Assert.Equal("set later|of the pool|gone", error.Details);
            Assert.Equal("The request 'any' failed: worker 0 of pool 'env' exited with code 3.", error.Message);
            Assert.Equal(["STDIOBUS_TEST_BOTH"], bus.Pools[0].Environment.Keys);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Removed, value);
            Environment.SetEnvironmentVariable("STDIOBUS_TEST_SET", null);
            Environment.SetEnvironmentVariable("STDIOBUS_TEST_BOTH", null);
        }
    }

    [Fact(DisplayName = "A bare command is looked up on the PATH as it is now")]
    public async Task A_command_is_looked_up_on_the_present_path()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("stdiobus-test-");
        string name = $"stdiobus-test-{Guid.NewGuid():n}";
        File.CreateSymbolicLink(Path.Combine(folder.FullName, name), "/bin/cat");
        string path = Environment.GetEnvironmentVariable("PATH")!;
        try
        {
            Environment.SetEnvironmentVariable("PATH", $"{folder.FullName}:{path}");
            await using Bus bus = await TestWorkers.StartAsync(new BusPool("cat", name));
            Assert.Equal(1, bus.WorkerCount);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
            folder.Delete(recursive: true);
        }
    }
}
