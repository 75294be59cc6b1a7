using System.Collections.Concurrent;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>
/// Whatever order answers, chunks, cancellations, refusals and exits come in: every request ends exactly once, with what
/// came first, and nothing stays pending.
/// </summary>
public sealed class CallTableProperties
{
    private const int Workers = 3;
    private static readonly BusPool Pool = new("p", "unused", null, Workers) { Dialect = Dialect.Mcp };

    // A script is a list of numbers, each one thing that happens: so a failing one is shrunk to its shortest.
    private static readonly Arbitrary<int[]> Scripts = Arb.From(
        Gen.Choose(0, 999_999).ArrayOf(),
        script => ArbMap.Default.ArbFor<int[]>().Shrinker(script).Where(smaller => smaller.All(number => number >= 0)));

    [Fact(DisplayName = "Every request ends exactly once, with what came first, in every order; nothing stays pending")]
    public void Every_request_ends_once_with_what_came_first() =>
        Prop.ForAll(Scripts, script => Play(script).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(120));

    [Fact(DisplayName = "Every request ends exactly once when requests, events and cancellations come from three threads")]
    public void Every_request_ends_once_from_three_threads() =>
        Prop.ForAll(Scripts, script => Race(script).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(200));

    private static async Task Play(int[] script)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        var calls = new List<Call>();
        int late = 0;
        foreach (int number in script)
        {
            (int act, int target, int worker) = (number % 12, number / 12 % 1000, number / 12_000 % Workers);
            if (act < 3 || calls.Count == 0)
            {
                calls.Add(Call.Make(bus, backend, calls.Count, isStream: target % 2 == 0, hasSession: target % 3 == 0));
                continue;
            }

            Call call = calls[target % calls.Count];
            switch (act)
            {
                case 3:
                    backend.Answer(call.Id, $$"""{"n":{{call.Number}}}""", worker);
                    late += call.EndsWith("result") ? 0 : 1;
                    break;
                case 4:
                    backend.Receive($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"error":{"code":-1,"message":"failed"}}""", worker);
                    late += call.EndsWith("failed") ? 0 : 1;
                    break;
                case 5:
                    call.Cancelling.Cancel();
                    call.EndsWith("cancelled");
                    break;
                case 6:
                    backend.Refuse(call.Id, new BusResourceException("refused"));
                    call.EndsWith("refused");
                    break;
                case 7:
                    backend.Place(call.Id, worker);
                    call.Worker = call.Worker < 0 ? worker : call.Worker;
                    break;
                case 8:
                    backend.Chunk($"[{call.Number}]", call.Key, worker);
                    call.Hears();
                    break;
                case 9:
                    backend.Chunk("?", worker: worker);
                    break;
                case 10:
                    backend.Receive($$"""{"jsonrpc":"2.0","id":{{call.Id}},"method":"collides"}""", worker);
                    Assert.Contains("-32601", backend.TakeSent().Json, StringComparison.Ordinal);
                    break;
                case 11:
                    foreach (Call lost in calls.Where(each => each.Worker == worker && each.Outcome is null))
                    {
                        backend.Receive($$$"""{"jsonrpc":"2.0","id":{{{lost.Id}}},"error":{"code":-32002,"message":"exited"}}""", -1, fromKernel: true);
                        lost.EndsWith("exited");
                    }

                    backend.Change(worker, WorkerEvent.Restarting);
                    backend.Change(worker, WorkerEvent.Started);
                    break;
            }

            Assert.Equal(calls.Count(each => each.Outcome is null), bus.PendingCount);
        }

        await bus.StopAsync().Soon();
        foreach (Call call in calls)
            call.EndsWith("stopped");
        Assert.Equal(0, bus.PendingCount);
        foreach (Call call in calls)
            await call.Check();
        Assert.Equal((calls.Count, calls.Count, late), (bus.Statistics.Requests, bus.Statistics.Results + bus.Statistics.Failures, bus.Statistics.LateReplies));
        Assert.Equal(
            calls.Where(call => call.Outcome is "cancelled" or "stopped").Select(call => call.Cookie).Order(),
            backend.GivenUp.Select(given => given.Cookie).Order());
    }

    private static async Task Race(int[] script)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Pool));
        await using var _ = bus;
        var calls = new ConcurrentQueue<(string Id, CancellationTokenSource Cancelling, Task Ended)>();
        using var start = new Barrier(3);
        Task asking = Task.Run(() =>
        {
            start.SignalAndWait();
            foreach (int number in script)
            {
                var cancelling = new CancellationTokenSource();
                TimeSpan? timeout = number % 7 == 0 ? TimeSpan.FromMilliseconds(1) : null;
                Task ended = number % 2 == 0
                    ? bus.RequestAsync("m", null, new() { Timeout = timeout }, cancelling.Token)
                    : bus.StreamRequestAsync("m", null, new() { Timeout = timeout, IdleTimeout = Timeout.InfiniteTimeSpan }, cancelling.Token).ToListAsync();
                calls.Enqueue((backend.TakeId(), cancelling, ended));
            }
        });
        Task telling = Task.Run(() =>
        {
            start.SignalAndWait();
            foreach (int number in script)
            {
                if (!TryPick(number, out var call))
                    continue;
                int worker = number / 12 % Workers;
                switch (number % 5)
                {
                    case 0:
                        backend.Answer(call.Id, "{}", worker);
                        break;
                    case 1:
                        backend.Chunk("c", $"\"requestId\":{call.Id},", worker);
                        break;
                    case 2:
                        backend.Chunk("c", worker: worker);
                        break;
                    case 3:
                        backend.Change(worker, WorkerEvent.Restarting);
                        break;
                    default:
                        backend.Place(call.Id, worker);
                        break;
                }
            }
        });
        Task cancelling = Task.Run(() =>
        {
            start.SignalAndWait();
            foreach (int number in script)
                if (number % 3 == 0 && TryPick(number / 3, out var call))
                    call.Cancelling.Cancel();
        });
        await Task.WhenAll(asking, telling, cancelling).Soon();
        await bus.StopAsync().Soon();
        foreach ((string _, CancellationTokenSource _, Task ended) in calls)
            await ended.ContinueWith(_ => { }, TaskScheduler.Default).Soon();
        Assert.Equal((script.Length, script.Length, 0), (bus.Statistics.Requests, bus.Statistics.Results + bus.Statistics.Failures, bus.PendingCount));
        Assert.Equal(backend.GivenUp.Count, backend.GivenUp.Select(given => given.Cookie).Distinct().Count());

        bool TryPick(int number, out (string Id, CancellationTokenSource Cancelling, Task Ended) call)
        {
            var made = calls.ToArray();
            call = made.Length == 0 ? default : made[number % made.Length];
            return made.Length > 0;
        }
    }

    /// <summary>A request or a stream, and what is to become of it.</summary>
    private sealed class Call
    {
        private Task<(string? Text, int? Number)> _outcome = null!;
        private string _text = "";

        public int Number { get; private init; }

        public string Id { get; private set; } = "";

        public ulong Cookie => ulong.Parse(Id.Trim('"').Split('-')[1], System.Globalization.CultureInfo.InvariantCulture);

        public int Worker { get; set; } = -1;

        public CancellationTokenSource Cancelling { get; } = new();

        /// <summary>What names this call in a notification.</summary>
        public string Key { get; private set; } = "";

        /// <summary>How it ended; null while it goes on.</summary>
        public string? Outcome { get; private set; }

        public static Call Make(Bus bus, FakeBackend backend, int number, bool isStream, bool hasSession)
        {
            var call = new Call { Number = number };
            object? parameters = hasSession ? new { sessionId = $"s{number}" } : null;
            call._outcome = isStream
                ? Streamed(bus.StreamRequestAsync("m", parameters, new() { IdleTimeout = Timeout.InfiniteTimeSpan }, call.Cancelling.Token))
                : Plain(bus.RequestAsync("m", parameters, null, call.Cancelling.Token));
            call.Id = backend.TakeId();
            call.Key = hasSession ? $"\"sessionId\":\"s{number}\"," : $"\"requestId\":{call.Id},";
            return call;
        }

        /// <summary>Something that ends it; false when something else had.</summary>
        public bool EndsWith(string outcome)
        {
            bool first = Outcome is null;
            Outcome ??= outcome;
            return first;
        }

        /// <summary>A chunk of its own.</summary>
        public void Hears() => _text += Outcome is null ? $"[{Number}]" : "";

        /// <summary>It has ended as it was to, and heard its own chunks, in order and none of another's.</summary>
        public async Task Check()
        {
            switch (Outcome)
            {
                case "result":
                    (string? text, int? number) = await _outcome.Soon();
                    Assert.Equal((_text, Number), (text?.Replace("?", "", StringComparison.Ordinal) ?? "", number));
                    break;
                case "failed":
                    Assert.Equal("failed", (await Assert.ThrowsAsync<BusRpcException>(() => _outcome.Soon())).Message);
                    break;
                case "refused":
                    await Assert.ThrowsAsync<BusResourceException>(() => _outcome.Soon());
                    break;
                case "cancelled":
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _outcome.Soon());
                    break;
                case "exited":
                    Assert.True((await Assert.ThrowsAsync<BusTransportException>(() => _outcome.Soon())).IsWorkerExit);
                    break;
                default:
                    Assert.False((await Assert.ThrowsAsync<BusTransportException>(() => _outcome.Soon())).IsWorkerExit);
                    break;
            }
        }

        private static async Task<(string?, int?)> Plain(Task<JsonElement> request)
        {
            JsonElement result = await request;
            return (result.TryGetProperty("text", out JsonElement text) ? text.GetString() : null, result.GetProperty("n").GetInt32());
        }

        private static async Task<(string?, int?)> Streamed(IAsyncEnumerable<StreamEvent> stream)
        {
            string streamed = "";
            (string? Text, int? Number) result = default;
            await foreach (StreamEvent next in stream)
            {
                Assert.Null(result.Number);
                if (next.Type == StreamEventType.Chunk)
                    streamed += next.Text;
                else
                    result = await Plain(Task.FromResult((JsonElement)next.Result!));
            }

            Assert.NotNull(result.Number);
            Assert.Equal(streamed, result.Text ?? "");
            return result;
        }
    }
}
