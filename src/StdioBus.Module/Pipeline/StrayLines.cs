using System.Management.Automation;
using System.Runtime.CompilerServices;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// What the workers of one bus write to stdout and is no message: a banner, the text of a profile, a forgotten print. It
/// is skipped and counted by the kernel; the first line of each worker is shown as a warning, by whichever command waits
/// for the bus then.
/// </summary>
internal sealed class StrayLines
{
    // So much of a line is shown: enough to recognize it.
    private const int Excerpt = 80;

    private static readonly ConditionalWeakTable<Bus, StrayLines> PerBus = [];

    private int _shown;

    /// <summary>Those of a bus.</summary>
    public static StrayLines Of(Bus bus) => PerBus.GetOrCreateValue(bus);

    /// <summary>Writes a warning for each worker that had none yet. Costs next to nothing while there is none.</summary>
    public void Show(Bus bus, Cmdlet command)
    {
        while (Take(bus) is { } warning)
            command.WriteWarning(warning);
    }

    /// <summary>
    /// The warning of the next worker that had none yet; null when there is none. What is taken counts as shown: to write a
    /// warning may end a command.
    /// </summary>
    public string? Take(Bus bus) => Next(bus) is SkippedLine line ? Warning(bus, line) : null;

    // Each goes to one command; others may be here at the same time.
    private SkippedLine? Next(Bus bus)
    {
        while (true)
        {
            ReadOnlySpan<SkippedLine> lines = bus.SkippedLines.All;
            int shown = Volatile.Read(ref _shown);
            if (shown >= lines.Length)
                return null;
            if (Interlocked.CompareExchange(ref _shown, shown + 1, shown) == shown)
                return lines[shown];
        }
    }

    private static string Warning(Bus bus, SkippedLine line)
    {
        string beginning = line.Text.Length > Excerpt ? line.Text[..Excerpt] + "…" : line.Text;
        return $"Worker {line.WorkerId} of pool '{WorkerControlCmdlet.PoolOf(bus, line.WorkerId)}' of the bus '{bus.Name}' wrote a line to stdout that was skipped and counted, for it is {line.Reason}: " +
            $"'{beginning}'. {(line.IsTooLong ? "If it was an answer, raise -Limit @{ MaxInputBuffer = … }." : "Text that is no message belongs on stderr, and a message is one line.")} More such lines of this worker are counted in InvalidLines of Get-BusWorker and listed by Get-BusLog.";
    }
}
