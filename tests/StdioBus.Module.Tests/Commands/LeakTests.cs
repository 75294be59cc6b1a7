using System.Diagnostics;
using System.Runtime.CompilerServices;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

/// <summary>However often buses, and the module itself, come and go: what they held is given back.</summary>
public sealed class LeakTests : IDisposable
{
    // Every way of use that holds something: calls, one that is cancelled, a queue, an action, handlers in runspaces of their own.
    private const string Use = """
        $bus = Start-Kit -With @{ Dialect = 'JsonRpcCancel' }
        $null = Invoke-BusRequest echo @{ a = 1 }
        $null = 1..20 | ForEach-Object { @{ n = $_ } } | Invoke-BusRequest echo
        $null = @{ hold = 1 }, @{ n = 2 } | Invoke-BusRequest maybe | Select-Object -First 1
        $null = Invoke-BusStream stream @{ chunks = 'a', 'b' }
        $null = Invoke-BusStream stream @{ chunks = 'a', 'b'; gate = $true } -TextOnly | Select-Object -First 1
        $handler = Register-BusHandler q { param($request, $word) @{ text = $using:greeting + $word } } -ArgumentList 'you'
        $null = Invoke-BusRequest ask @{ method = 'q' }
        $queue = Register-BusSubscription tick
        $acting = Register-BusSubscription tick -MessageData $ran -Action { $null = $Event.MessageData.Release() }
        $null = Invoke-BusRequest notify @{ method = 'tick' }
        $null = Receive-BusNotification $queue -Wait -First 1
        $bus, $handler, $queue, $acting
        """;

    private readonly TestRunspace _runspace = new();
    private readonly SemaphoreSlim _ran = new(0);

    public LeakTests() => _runspace.Run("$greeting = 'Hello '", ("ran", _ran));

    public void Dispose()
    {
        _runspace.Dispose();
        _ran.Dispose();
    }

    [Fact(DisplayName = "200 buses, each used in every way and removed, leave no thread, descriptor, process, runspace, event subscriber or object behind")]
    public void Buses_leave_nothing() => AssertNoLeak(30, 200, i => Live(i % 2 == 0 ? "Remove-StdioBus $bus" : "Remove-StdioBus $bus -Force"));

    [Fact(DisplayName = "20 times imported, used and removed, the module leaves no thread, descriptor, process, runspace, event subscriber or object behind")]
    [Trait("Covers", "A35")]
    public void The_module_leaves_nothing()
    {
        _runspace.Run("Remove-Module StdioBus");
        AssertNoLeak(10, 20, _ =>
        {
            _runspace.Run("Import-Module " + ProductFolder.Manifest);
            return Live("Remove-Module StdioBus");
        });
        _runspace.Run("Import-Module " + ProductFolder.Manifest);
    }

    // Weak references to what a bus brought along and nothing may keep.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference[] Live(string end)
    {
        WeakReference[] made = [.. _runspace.Run(Use).Select(item => new WeakReference(item.BaseObject))];
        Assert.Equal(4, made.Length);
        _runspace.AwaitAction(_ran);
        _runspace.Run(end + "; $bus = $handler = $queue = $acting = $null");
        Assert.Empty(BusRegistry.Open);
        return made;
    }

    // Does it so often that all is warm, measures, does it as often as is asked for, and measures again.
    private void AssertNoLeak(int warm, int times, Func<int, WeakReference[]> live)
    {
        for (int i = 0; i < warm; i++)
            live(i);

        Footprint before = Footprint.Measure(_runspace.Runspace);
        var made = new List<WeakReference>();
        for (int i = 0; i < times; i++)
            made.AddRange(live(i));

        // What ended a moment ago may still be on its way out, and the runtime still compiles.
        var given = Stopwatch.StartNew();
        while (true)
        {
            Footprint after = Footprint.Measure(_runspace.Runspace);
            int alive = made.Count(reference => reference.IsAlive);
            if (after.IsWithin(before) && alive == 0)
                return;

            Assert.True(
                given.Elapsed < TestRunspace.Deadline,
                $"{alive} of {made.Count} are still held ({string.Join(", ", made.Select(one => one.Target?.GetType().Name).OfType<string>().Distinct())}); before and after: {before} {after}");
        }
    }
}
