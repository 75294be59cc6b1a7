using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace StdioBus.Bench;

/// <summary>
/// A stream of many chunks, and the way of a single chunk from the worker's write to the consumer, beside a raw pipe on
/// which lines are only counted.
/// </summary>
internal static class StreamLoads
{
    private const int Chunks = 100_000;
    private const int Singles = 2_000;
    private const int Streams = 500;

    public static async Task RunAsync(string worker)
    {
        double[][] rates = await Measure.MediansAsync([() => One(RawRate(worker)), () => BusRateAsync(worker)]);
        Console.WriteLine($"  a stream of {Chunks:N0} chunks");
        Console.WriteLine($"    {"raw pipe",-14}{rates[0][0],10:N0} lines/s");
        Console.WriteLine($"    {"StdioBus",-14}{rates[1][0],10:N0} chunks/s   {rates[1][0] / rates[0][0]:F2} × raw pipe   {rates[1][1]:N0} bytes a chunk");

        double[][] ways = await Measure.MediansAsync([() => One(RawWay(worker)), () => BusWayAsync(worker)]);
        PrintWays("from the worker's write of a chunk to its consumer", ways);
        ways = await Measure.MediansAsync([() => One(RawFirstWay(worker)), () => BusFirstWayAsync(worker)]);
        PrintWays("from the worker's write of the first chunk of a stream to its consumer", ways);
    }

    private static Task<double[]> One(double figure) => Task.FromResult<double[]>([figure]);

    private static void PrintWays(string title, double[][] ways)
    {
        Console.WriteLine($"  {title}");
        Console.WriteLine($"    {"raw pipe",-14}{ways[0][0],8:F1} µs");
        Console.WriteLine($"    {"StdioBus",-14}{ways[1][0],8:F1} µs   {ways[1][0] / ways[0][0]:F2} × raw pipe");
    }

    private static double RawRate(string path)
    {
        using Process worker = WorkerProcess.Start(path);
        Stream output = worker.StandardOutput.BaseStream;
        var buffer = new byte[64 * 1024];
        Write(worker, $$"""{"id":1,"params":{"count":{{Chunks}} } }""");
        long begin = 0;
        for (int lines = 0; lines <= Chunks;)
        {
            int read = output.Read(buffer);
            if (read == 0) throw new EndOfStreamException("the worker ended");
            if (begin == 0) begin = Stopwatch.GetTimestamp();
            lines += buffer.AsSpan(0, read).Count((byte)'\n');
        }

        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        worker.StandardInput.Close();
        worker.WaitForExit();
        return Chunks / seconds;
    }

    private static async Task<double[]> BusRateAsync(string path)
    {
        await using Bus bus = await StartAsync(path);
        long begin = 0;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        int chunks = 0;
        await foreach (StreamEvent item in bus.StreamRequestAsync("run", new { sessionId = "s", count = Chunks }))
        {
            if (begin == 0) begin = Stopwatch.GetTimestamp();
            if (item.Type == StreamEventType.Chunk) chunks++;
        }

        if (chunks != Chunks) throw new InvalidOperationException($"{chunks} of {Chunks} chunks arrived");
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return [Chunks / seconds, (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / Chunks];
    }

    private static double RawWay(string path)
    {
        using Process worker = WorkerProcess.Start(path);
        Stream output = worker.StandardOutput.BaseStream;
        var buffer = new byte[64 * 1024];
        var ways = new List<double>();
        Write(worker, $$"""{"id":1,"params":{"count":{{Singles}},"pause":1} }""");
        for (int i = 0; i < Singles; i++)
        {
            Write(worker, "go");
            int read = output.Read(buffer);
            long now = Stopwatch.GetTimestamp();
            ways.Add(Since(TextIn(buffer, read), now));
        }

        worker.StandardInput.Close();
        worker.WaitForExit();
        return Measure.Median(ways);
    }

    private static async Task<double[]> BusWayAsync(string path)
    {
        await using Bus bus = await StartAsync(path);
        var ways = new List<double>();
        await using var events = bus.StreamRequestAsync("run", new { sessionId = "s", count = Singles, pause = 1 }).GetAsyncEnumerator();
        ValueTask<bool> next = events.MoveNextAsync();
        for (int i = 0; i < Singles; i++)
        {
            await bus.NotifyAsync("go");
            if (!await next) throw new InvalidOperationException("the stream ended early");
            ways.Add(Since(events.Current.Text!, Stopwatch.GetTimestamp()));
            next = events.MoveNextAsync();
        }

        while (await next) next = events.MoveNextAsync();
        return [Measure.Median(ways)];
    }

    private static double RawFirstWay(string path)
    {
        using Process worker = WorkerProcess.Start(path);
        Stream output = worker.StandardOutput.BaseStream;
        var buffer = new byte[64 * 1024];
        var ways = new List<double>();
        for (int i = 0; i < Streams; i++)
        {
            Write(worker, """{"id":1,"params":{"count":1} }""");
            int read = output.Read(buffer);
            ways.Add(Since(TextIn(buffer, read), Stopwatch.GetTimestamp()));
            for (int lines = buffer.AsSpan(0, read).Count((byte)'\n'); lines < 2;)
                lines += buffer.AsSpan(0, output.Read(buffer)).Count((byte)'\n');
        }

        worker.StandardInput.Close();
        worker.WaitForExit();
        return Measure.Median(ways);
    }

    private static async Task<double[]> BusFirstWayAsync(string path)
    {
        await using Bus bus = await StartAsync(path);
        var ways = new List<double>();
        for (int i = 0; i < Streams; i++)
        {
            await foreach (StreamEvent item in bus.StreamRequestAsync("run", new { sessionId = "s", count = 1 }))
                if (item.Type == StreamEventType.Chunk)
                    ways.Add(Since(item.Text!, Stopwatch.GetTimestamp()));
        }

        if (ways.Count != Streams) throw new InvalidOperationException($"{ways.Count} of {Streams} chunks arrived");
        return [Measure.Median(ways)];
    }

    private static async Task<Bus> StartAsync(string path)
    {
        Bus bus = new StdioBusBuilder().Pool("chunks", path).Build();
        await bus.StartAsync();
        return bus;
    }

    private static string TextIn(byte[] buffer, int length)
    {
        string line = Encoding.ASCII.GetString(buffer, 0, length);
        int at = line.IndexOf("\"text\":\"", StringComparison.Ordinal) + 8;
        return line[at..line.IndexOf('"', at)];
    }

    private static void Write(Process worker, string line)
    {
        worker.StandardInput.BaseStream.Write(Encoding.ASCII.GetBytes(line + "\n"));
        worker.StandardInput.BaseStream.Flush();
    }

    // The runtime's stopwatch and the worker read the same clock, in nanoseconds.
    private static double Since(string stamp, long now) =>
        (now - (double)(decimal.Parse(stamp, CultureInfo.InvariantCulture) * 1_000_000_000m)) / 1000;
}
