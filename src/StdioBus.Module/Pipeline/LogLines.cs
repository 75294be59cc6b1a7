namespace StdioBus.Module.Pipeline;

/// <summary>Hands on the lines that a bus logs from now on. Used on the pipeline thread, between and during waits.</summary>
/// <param name="bus">The bus.</param>
/// <param name="show">Takes one line.</param>
internal sealed class LogLines(Bus bus, Action<string> show)
{
    /// <summary>How long a line may lie unseen while the command waits for something else.</summary>
    public const int PollMilliseconds = 100;

    private long _seen = LastSequence(bus);

    public void Show()
    {
        foreach (BusLogEntry line in bus.GetLog(after: _seen))
        {
            _seen = line.Sequence;
            show(line.WorkerId is int worker
                ? $"{bus.Name} worker {worker} stderr: {line.Text}"
                : $"{bus.Name} {line.Level}: {line.Text}");
        }
    }

    private static long LastSequence(Bus bus) => bus.GetLog(1) is [var last] ? last.Sequence : 0;
}
