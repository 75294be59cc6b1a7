using System.Text.RegularExpressions;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Help;

/// <summary>The worker programs of about_StdioBus_Workers, as a reader would save and start them. The one in PowerShell is run by the Pester suite.</summary>
[Trait("Covers", "A24")]
public sealed class WorkerTopicTests
{
    [Theory]
    [InlineData("python", "worker.py", "python3 ./worker.py")]
    [InlineData("javascript", "worker.js", "node ./worker.js")]
    [InlineData("csharp", "worker.cs", "dotnet run, worker.cs")]
    public void Each_program_is_a_worker_as_it_stands(string language, string file, string command)
    {
        string topic = File.ReadAllText(Path.Combine(ProductFolder.Root, "docs", "en-US", "about_StdioBus_Workers.md"));
        Assert.Contains($"    New-StdioBus adder {command}\n", topic, StringComparison.Ordinal);
        string program = Regex.Match(topic, $"^```{language}\n(?<code>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline).Groups["code"].Value;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("stdiobus-worker-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, file), program);
            using var runspace = new TestRunspace();
            runspace.Runspace.SessionStateProxy.Path.SetLocation(folder.FullName);
            runspace.Run($"$null = New-StdioBus adder {command}");

            Assert.Equal(3, Convert.ToInt32(runspace.RunOne("(Invoke-BusRequest add @{ a = 1; b = 2 } -Timeout 50).sum"), null));

            ScriptRun unknown = runspace.RunWithErrors("Invoke-BusRequest subtract -Timeout 50");
            Assert.Contains("There is no method 'subtract'.", unknown.OnlyError("BusRpcError").ToString(), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
