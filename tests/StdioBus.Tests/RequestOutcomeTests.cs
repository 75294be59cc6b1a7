using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What a request's task says, in each way in which a request can end, and what it costs.</summary>
public sealed class RequestOutcomeTests
{
    private static readonly BusPool One = new("p", "unused");

    [Fact(DisplayName = "A result stays what it is while later ones reuse the memory it came in")]
    public async Task A_result_stays_what_it_is()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var kept = new List<(string Text, JsonElement Result)>();
        for (int round = 0; round < 20; round++)
        {
            // Sizes on both sides of what the pool of small arrays takes.
            string[] texts = [.. Enumerable.Range(0, 50).Select(i => new string((char)('a' + ((round + i) % 26)), 1 + (i * 37)))];
            JsonElement[] results = await Task.WhenAll(texts.Select(text => bus.RequestAsync("echo", new { text }))).Soon();
            kept.AddRange(texts.Zip(results));
        }

        Assert.All(kept, pair => Assert.Equal(pair.Text, pair.Result.GetProperty("text").GetString()));
    }

    [Fact(DisplayName = "A request's task may be awaited again and by many")]
    public async Task A_task_may_be_awaited_again()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> request = bus.RequestAsync("m");
        Task<string>[] many = [.. Enumerable.Range(0, 20).Select(_ => ReadAsync())];
        backend.Answer(backend.TakeId(), "[1,2]");
        Assert.All(await Task.WhenAll(many).Soon(), text => Assert.Equal("[1,2]", text));
        Assert.Equal("[1,2]", await ReadAsync());

        async Task<string> ReadAsync() => (await request.Soon()).GetRawText();
    }

    [Fact(DisplayName = "What prevents a request is in its task, not thrown by the call")]
    public async Task What_prevents_a_request_is_in_its_task()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        Task<JsonElement> nameless = bus.RequestAsync(null), unwritable = bus.RequestAsync("m", "text");
        Task<JsonElement> cancelled = bus.RequestAsync("m", cancellationToken: new CancellationToken(true));
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => nameless);
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => unwritable);
        Assert.True(cancelled.IsCanceled);
        Assert.Empty(backend.Sent);
        Assert.Equal(0, bus.PendingCount);
        await bus.DisposeAsync();
        Task<JsonElement> late = bus.RequestAsync("m");
        await Assert.ThrowsAsync<BusInvalidStateException>(() => late);
    }

    [Theory(DisplayName = "A cancelled request says which it was and by which token, in every form of its result")]
    [InlineData("element")]
    [InlineData("type")]
    [InlineData("object")]
    [InlineData("raw")]
    public async Task A_cancelled_request_says_which_it_was(string form)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        using var cancelling = new CancellationTokenSource();
        Task request = form switch
        {
            "element" => bus.RequestAsync("slow", cancellationToken: cancelling.Token),
            "type" => bus.RequestAsync<int>("slow", cancellationToken: cancelling.Token),
            "object" => bus.RequestObjectAsync("slow", cancellationToken: cancelling.Token),
            _ => bus.RequestRawAsync("slow", cancellationToken: cancelling.Token),
        };
        await cancelling.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request.Soon());
        Assert.True(request.IsCanceled);
        Assert.Equal(cancelling.Token, error.CancellationToken);
        Assert.Contains("'slow'", error.Message, StringComparison.Ordinal);
        Assert.Single(backend.GivenUp);

        // The answer that comes all the same finds nobody.
        backend.Answer(backend.TakeId(), "1");
        Assert.Equal(1, bus.Statistics.LateReplies);
    }

    [Fact(DisplayName = "A token that outlives its requests keeps none of them, and its cancellation finds none")]
    public async Task A_token_keeps_no_request()
    {
        using var cancelling = new CancellationTokenSource();
        await using Bus bus = await TestWorkers.StartAsync();
        List<WeakReference> requests = await AskAsync(bus, cancelling.Token);

        // This goes on inside of what let the last request go, which has it on its stack.
        await Task.Yield();
        await Waiting.Until(
            () =>
            {
                GC.Collect();
                return !requests.Exists(request => request.IsAlive);
            },
            "no request is kept");
        await cancelling.CancelAsync();
        Assert.Equal((0, 2000), (bus.Statistics.Failures, bus.Statistics.Results));

        // Answers come while further requests begin to follow the token.
        static async Task<List<WeakReference>> AskAsync(Bus bus, CancellationToken token)
        {
            Task[] requests = [.. Enumerable.Range(0, 1000).SelectMany(i => new Task[] { bus.RequestAsync("echo", new { i }, null, token), bus.RequestRawAsync("echo", null, null, token) })];
            await Task.WhenAll(requests).Soon();
            return [.. requests.Select(request => new WeakReference(request))];
        }
    }

    [Fact(DisplayName = "A result that cannot be read is an error of its request alone")]
    public async Task A_result_that_cannot_be_read_is_an_error()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<JsonElement> deep = bus.RequestAsync("deep"), beside = bus.RequestAsync("beside");
        (string deepId, string besideId) = (backend.TakeId(), backend.TakeId());
        backend.Answer(deepId, new string('[', 1002) + new string(']', 1002));
        backend.Answer(besideId, "2");
        await Assert.ThrowsAnyAsync<JsonException>(() => deep.Soon());
        Assert.Equal(2, (await beside.Soon()).GetInt32());
        Assert.Equal((0, 2), (bus.PendingCount, bus.Statistics.Results));
    }

    [Fact(DisplayName = "A plain request whose chunks have more text than StreamOverflowBytes fails alone; a stream goes on")]
    public async Task A_plain_request_bounds_its_text()
    {
        BusOptions options = TestWorkers.Options(One);
        options.StreamOverflowBytes = 1000;
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(options);
        await using var _ = bus;
        string text = new('x', 600);
        Task<JsonElement> plain = bus.RequestAsync("m", null, new() { SessionId = "plain" });
        await using IAsyncEnumerator<StreamEvent> stream = bus.StreamRequestAsync("m", null, new() { SessionId = "stream" }).GetAsyncEnumerator();
        for (int i = 0; i < 2; i++)
        {
            backend.Chunk(text, "\"sessionId\":\"plain\",");
            ValueTask<bool> next = stream.MoveNextAsync();
            backend.Chunk(text, "\"sessionId\":\"stream\",");
            Assert.True(await next.AsTask().Soon());
        }

        var error = await Assert.ThrowsAsync<BusResourceException>(() => plain.Soon());
        Assert.Contains("StreamOverflowBytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(("m", "p", 0), (error.Method, error.Pool, error.WorkerId));
        Assert.Single(backend.GivenUp);
        Assert.Equal(1, bus.PendingCount);
    }

    [Fact(DisplayName = "The object of a stream event is made once, however many ask for it")]
    public async Task The_object_of_an_event_is_made_once()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(One));
        await using var _ = bus;
        Task<List<StreamEvent>> events = bus.StreamRequestAsync("m", null, new() { Reader = utf8 => utf8.ToArray() }).ToListAsync();
        backend.Receive("""{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"plan","n":1}}}""");
        backend.Answer(backend.TakeId(), "[1]");
        foreach (StreamEvent item in await events.Soon())
        {
            object?[] seen = new object?[64];
            Parallel.For(0, seen.Length, i => seen[i] = item.Data);
            Assert.NotNull(seen[0]);
            Assert.All(seen, data => Assert.Same(seen[0], data));
            Assert.Same(item.Type == StreamEventType.Result ? seen[0] : null, item.Result);
        }
    }
}
