using System.Diagnostics;
using System.Globalization;

namespace StdioBus.Shell.Tests;

/// <summary>The worker processes of a script, held from while they live so that their end can be waited for.</summary>
internal sealed class WorkerProcesses : IDisposable
{
    private readonly List<Process> _processes = [];

    public int Count => _processes.Count;

    /// <summary>Script text that starts a bus of demo workers and writes a line with their process ids.</summary>
    public static string StartBus(int instances) =>
        $"$bus = New-StdioBus -Pool demo -Command dotnet -ArgumentList '{Repository.DemoAgent}' -Instances {instances}; (Get-BusWorker | ForEach-Object ProcessId) -join ' '; ";

    /// <summary>Reads the line that <see cref="StartBus"/> has written.</summary>
    public static async Task<WorkerProcesses> ReadAsync(ShellProcess shell)
    {
        var line = await shell.ReadLineAsync();
        if (line is null)
            Assert.Fail($"The script wrote no process ids. {(await shell.EndAsync()).Error}");
        var workers = new WorkerProcesses();
        foreach (var id in line.Split(' '))
            workers._processes.Add(Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture)));
        return workers;
    }

    /// <summary>Fails when one of them is still there at the deadline.</summary>
    public async Task EndAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(ShellProcess.Deadline);
        foreach (var process in _processes)
            await process.WaitForExitAsync(deadline.Token);
    }

    public void AssertEnded() => Assert.All(_processes, process => Assert.True(process.HasExited, $"Worker process {process.Id} is still running."));

    public void Dispose() => _processes.ForEach(process => process.Dispose());
}
