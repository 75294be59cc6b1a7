using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Rules 4 and 5 of correlation against the real kernel, which tells which worker has a request.</summary>
public sealed class PlacementTests
{
    [Fact(DisplayName = "A18, L11: chunks without any key from four workers with one call each reach the call of their worker")]
    public async Task Chunks_without_a_key_reach_the_call_of_their_worker()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 4);
        for (int round = 0; round < 5; round++)
        {
            Task<List<StreamEvent>>[] streams = [.. Enumerable.Range(0, 4).Select(i => bus.StreamRequestAsync("stream", new { count = 200, text = $"[{i}]" }).ToListAsync())];
            for (int i = 0; i < 4; i++)
                Assert.Equal(Enumerable.Range(1, 200).Select(n => $"[{i}]{n} "), (await streams[i].Soon()).SkipLast(1).Select(e => e.Text));
        }

        Assert.Equal(0, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "A18: a plain request on another worker keeps its own text beside a stream without keys")]
    public async Task A_plain_request_on_another_worker_keeps_its_own_text()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 2);
        await using IAsyncEnumerator<StreamEvent> held = bus.StreamRequestAsync("hold", new { key = "s" }).GetAsyncEnumerator();
        Task<bool> first = held.MoveNextAsync().AsTask();
        JsonElement plain = await bus.RequestAsync("stream", new { count = 3, text = "plain" }).Soon();
        Assert.Equal("plain1 plain2 plain3 ", plain.GetProperty("text").GetString());
        Assert.False(first.IsCompleted);
        Assert.Equal((1, 0L), (bus.PendingCount, bus.Statistics.AmbiguousChunks));
        await bus.StopAsync().Soon();
        await Assert.ThrowsAsync<BusTransportException>(() => first.Soon());
    }

    [Fact(DisplayName = "Two calls on one worker that nothing tells apart: the older has the chunks, and each is counted")]
    public async Task The_older_call_has_the_chunks()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        Task<JsonElement> older = bus.RequestAsync("hold", new { key = "k" });
        JsonElement younger = await bus.RequestAsync("stream", new { count = 3 }).Soon();
        Assert.Equal("""{"chunks":3}""", younger.GetRawText());
        await bus.NotifyAsync("emit", new { lines = new[] { """{"jsonrpc":"2.0","id":$(k),"result":{}}""" } }).Soon();
        Assert.Equal("chunk1 chunk2 chunk3 ", (await older.Soon()).GetProperty("text").GetString());
        Assert.Equal(3, bus.Statistics.AmbiguousChunks);
    }

    [Fact(DisplayName = "L24: of several workers only the one that has the request hears that it was cancelled")]
    public async Task Only_the_worker_that_has_it_hears_of_a_cancellation()
    {
        BusPool pool = TestWorkers.Pool(instances: 3);
        pool.Dialect = Dialect.JsonRpcCancel;
        await using Bus bus = await TestWorkers.StartAsync(pool);

        // Sessions bind to the least loaded worker: one each. The worker of the session "s1" gets two of the requests.
        int[] workers = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(async i => (await bus.RequestAsync("pid", null, new() { SessionId = $"s{i}" }).Soon()).GetProperty("pid").GetInt32()))];
        Assert.Equal(3, workers.Distinct().Count());
        using var cancelling = new CancellationTokenSource();
        Task<JsonElement>[] calls = [.. Enumerable.Range(0, 3).Select(i => bus.RequestAsync("hold", new { key = $"k{i}" }, null, i == 1 ? cancelling.Token : default))];
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calls[1].Soon());
        JsonElement[] seen = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => bus.RequestAsync("seen", null, new() { SessionId = $"s{i}" }))).Soon();
        string heard = Assert.Single(seen.SelectMany(lines => lines.EnumerateArray()).Select(line => line.GetString()!));
        Assert.Contains("$/cancelRequest", heard, StringComparison.Ordinal);
        Assert.Equal(2, bus.PendingCount);
    }
}
