using System.Management.Automation;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace StdioBus.Module.Pipeline;

/// <summary>
/// What the workers of one bus write to stdout and is no message: a banner, the text of a profile, a forgotten print. It
/// is skipped and counted by the kernel; the first line of each worker is shown as a warning, by whichever command waits
/// for the bus then.
/// </summary>
internal sealed partial class StrayLines
{
    // So much of a line is shown: enough to recognize it.
    private const int Excerpt = 80;

    private static readonly ConditionalWeakTable<Bus, StrayLines> PerBus = [];

    private readonly HashSet<int> _shown = [];
    private long _seen;

    /// <summary>Those of a bus.</summary>
    public static StrayLines Of(Bus bus) => PerBus.GetOrCreateValue(bus);

    /// <summary>Writes a warning for each worker that had none yet. Costs next to nothing while the bus logs nothing.</summary>
    public void Show(Bus bus, Cmdlet command)
    {
        // What is written counts as shown before it is: a warning may end the command.
        while (Next(bus) is string warning)
            command.WriteWarning(warning);
    }

    private string? Next(Bus bus)
    {
        IReadOnlyList<BusLogEntry> news = bus.GetLog(after: Volatile.Read(ref _seen));
        if (news.Count == 0)
            return null;

        lock (_shown)
        {
            foreach (BusLogEntry line in news)
            {
                // Another runspace may have been here meanwhile.
                if (line.Sequence <= _seen)
                    continue;

                Volatile.Write(ref _seen, line.Sequence);
                if (line is { Level: BusLogLevel.Warning, WorkerId: null }
                    && SkippedLine().Match(line.Text) is { Success: true } skipped
                    && int.TryParse(skipped.Groups["worker"].ValueSpan, out int worker)
                    && _shown.Add(worker))
                {
                    return Warning(bus, worker, skipped.Groups["why"].Value, skipped.Groups["line"].Value);
                }
            }
        }

        return null;
    }

    private static string Warning(Bus bus, int worker, string why, string line)
    {
        string beginning = line.Length > Excerpt ? line[..Excerpt] + "…" : line;
        return $"Worker {worker} of pool '{WorkerControlCmdlet.PoolOf(bus, worker)}' of the bus '{bus.Name}' wrote a line to stdout that was skipped and counted, for it is {why}: " +
            $"{Printable(beginning)} Text that is no message belongs on stderr. More such lines of this worker are counted in InvalidLines of Get-BusWorker and listed by Get-BusLog.";
    }

    // A worker's text must not steer the terminal.
    private static string Printable(string text) => string.Create(text.Length, text, static (shown, from) =>
    {
        for (int i = 0; i < from.Length; i++)
            shown[i] = char.IsControl(from[i]) ? ' ' : from[i];
    });

    // The kernel's words for it.
    [GeneratedRegex(@"^\[worker=(?<worker>\d+)\] skipped a line on stdout, (?<why>[^:]+): (?<line>.*)$", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex SkippedLine();
}
