using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Answers that arrive together let their callers go on together, and none of the callers can hold up the rest.</summary>
public sealed class CompletionTests
{
    [Fact(DisplayName = "A13: callers of answers that arrive together may block on further requests")]
    public async Task Callers_may_block_on_further_requests()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        Task<int>[] callers = [.. Enumerable.Range(0, 12).Select(i => AskThenBlock(i))];
        await AnswerTogether(bus, callers.Length);
        Assert.Equal(Enumerable.Range(0, 12), await Task.WhenAll(callers).Soon());
        Assert.Equal(0, bus.PendingCount);

        async Task<int> AskThenBlock(int i)
        {
            await bus.RequestAsync("hold", new { key = $"k{i}" }).ConfigureAwait(false);
            return bus.RequestAsync("echo", new { i }).GetAwaiter().GetResult().GetProperty("i").GetInt32();
        }
    }

    [Fact(DisplayName = "A13: callers of answers that arrive together may wait for each other")]
    public async Task Callers_may_wait_for_each_other()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        using var all = new CountdownEvent(4);
        Task<bool>[] callers = [.. Enumerable.Range(0, 4).Select(i => AskThenMeet(i))];
        await AnswerTogether(bus, callers.Length);
        Assert.All(await Task.WhenAll(callers).Soon(), Assert.True);

        async Task<bool> AskThenMeet(int i)
        {
            await bus.RequestAsync("hold", new { key = $"k{i}" }).ConfigureAwait(false);
            all.Signal();
            return all.Wait(TestWorkers.Patience);
        }
    }

    [Fact(DisplayName = "A13: a caller may send, then block on the answer, whichever of the batch it is")]
    public async Task A_caller_may_send_then_block_on_the_answer()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        for (int blocker = 0; blocker < 5; blocker++)
        {
            int chosen = blocker;
            Task<int>[] callers = [.. Enumerable.Range(0, 5).Select(i => Ask(i))];
            await AnswerTogether(bus, callers.Length);
            Assert.Equal(Enumerable.Range(0, 5), await Task.WhenAll(callers).Soon());

            async Task<int> Ask(int i)
            {
                await bus.RequestAsync("hold", new { key = $"k{i}" }).ConfigureAwait(false);
                Task<JsonElement> next = bus.RequestAsync("echo", new { i });
                return (i == chosen ? next.GetAwaiter().GetResult() : await next.ConfigureAwait(false)).GetProperty("i").GetInt32();
            }
        }
    }

    [Fact(DisplayName = "A13: what a caller does next does not run inside of the cancellation that ended its request")]
    public async Task A_caller_does_not_go_on_inside_of_a_cancellation()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        using var cancel = new CancellationTokenSource();
        int cancelling = 0;
        bool wentOnInside = false;
        Task caller = Ask();
        Thread canceller = new(() =>
        {
            Volatile.Write(ref cancelling, Environment.CurrentManagedThreadId);
            cancel.Cancel();
        });
        canceller.Start();
        await caller.Soon();
        canceller.Join();
        Assert.False(wentOnInside);

        async Task Ask()
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bus.RequestAsync("hold", new { key = "k" }, cancellationToken: cancel.Token));
            wentOnInside = Environment.CurrentManagedThreadId == Volatile.Read(ref cancelling);
        }
    }

    // One write of the worker, so that one read of the kernel has all the answers.
    private static async Task AnswerTogether(Bus bus, int count)
    {
        string[] lines = [.. Enumerable.Range(0, count).Select(i => $$"""{"jsonrpc":"2.0","id":$(k{{i}}),"result":true}""")];
        await bus.RequestAsync("emit", new { lines }).Soon();
    }
}
