using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace StdioBus.Tests.Support;

/// <summary>
/// A backend without processes: it keeps what was sent, and a test says what arrives and in which order, on the
/// test's own thread.
/// </summary>
internal sealed class FakeBackend : IBusBackend
{
    private IBackendEvents? _events;

    public BackendKind Kind => BackendKind.Native;

    public bool RoutesBesideMessage { get; init; } = true;

    /// <summary>The messages sent, in order.</summary>
    public ConcurrentQueue<(string Json, OutgoingMessage Route)> Sent { get; } = new();

    /// <summary>The cookies given up, each with its notice.</summary>
    public ConcurrentQueue<(ulong Cookie, string? Notice)> GivenUp { get; } = new();

    /// <summary>The pauses set and cleared, in order.</summary>
    public ConcurrentQueue<(int Worker, PauseReasons Reasons, bool Paused)> Pauses { get; } = new();

    /// <summary>A running bus over a new fake.</summary>
    public static async Task<(Bus Bus, FakeBackend Backend)> StartAsync(BusOptions options)
    {
        var backend = new FakeBackend();
        var bus = new Bus(options, (_, _) => backend);
        await bus.StartAsync().Soon();
        return (bus, backend);
    }

    public Task StartAsync(IBackendEvents events)
    {
        _events = events;
        return Task.CompletedTask;
    }

    /// <summary>A test tells events on its own thread, and none of them ends a turn.</summary>
    public bool IsEventThread => false;

    public void Flush()
    {
        // Nothing is ever put off.
    }

    public void Send(in OutgoingMessage message, bool canWait = false)
    {
        Sent.Enqueue((Encoding.UTF8.GetString(message.Buffer!, 0, message.Length), message));
        message.Receipt?.SetResult();
        if (message.Cookie != 0)
            _events!.OnPlaced(message.Cookie, -1);
    }

    public void GiveUp(ulong cookie, in OutgoingMessage notice) =>
        GivenUp.Enqueue((cookie, notice.Buffer is null ? null : Encoding.UTF8.GetString(notice.Buffer, 0, notice.Length)));

    public void SetPaused(int workerId, PauseReasons reasons, bool paused) => Pauses.Enqueue((workerId, reasons, paused));

    public BackendSnapshot GetSnapshot() => new() { Statistics = new BusStatistics() };

    public Task<IReadOnlyList<BusWorker>> GetWorkersAsync() => Task.FromResult<IReadOnlyList<BusWorker>>([]);

    public Task EndWorkerAsync(int workerId, bool restart, bool force) => Task.CompletedTask;

    public Task StopAsync(TimeSpan? timeout) => Task.CompletedTask;

    public Task KillAsync() => Task.CompletedTask;

    /// <summary>The next message sent, taken off the queue.</summary>
    public (string Json, OutgoingMessage Route) TakeSent()
    {
        Assert.True(Sent.TryDequeue(out var sent), "nothing was sent");
        return sent;
    }

    /// <summary>The id, as JSON, of the next request sent.</summary>
    public string TakeId()
    {
        using var message = JsonDocument.Parse(TakeSent().Json);
        return message.RootElement.GetProperty("id").GetRawText();
    }

    /// <summary>A line from a worker.</summary>
    public void Receive(string json, int worker = 0, bool fromKernel = false) =>
        _events!.OnMessage(new IncomingMessage(Encoding.UTF8.GetBytes(json), worker, fromKernel));

    /// <summary>A worker's request with the id 7, and what answers it.</summary>
    public async Task<string> Ask(string method, string? parameters = null, int worker = 0)
    {
        Receive($"{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"{method}\"{(parameters is null ? "" : $",\"params\":{parameters}")}}}", worker);
        await Waiting.Until(() => !Sent.IsEmpty, $"'{method}' is answered");
        (string json, OutgoingMessage route) = TakeSent();
        Assert.Equal(worker, route.WorkerId);
        return json;
    }

    public void Answer(string id, string result, int worker = 0) =>
        Receive($$"""{"jsonrpc":"2.0","id":{{id}},"result":{{result}}}""", worker);

    /// <summary>An ACP chunk; the keys are further members of its params.</summary>
    public void Chunk(string text, string keys = "", int worker = 0) =>
        Receive("{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{" + keys + "\"update\":{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"" + text + "\"}}}}", worker);

    public void Place(string id, int worker) => _events!.OnPlaced(Cookie(id), worker);

    /// <summary>A request that was given up is over at its worker.</summary>
    public void Settle(string id) => _events!.OnSettled(Cookie(id));

    /// <summary>A request's message is not taken.</summary>
    public void Refuse(string id, StdioBusException error) => _events!.OnSendRefused(Cookie(id), error);

    public void Change(int worker, WorkerEvent change) => _events!.OnWorker(worker, change);

    public void Skip(int worker, string reason, string line) => _events!.OnSkipped(worker, reason, line);

    public void Close(StdioBusException? error) => _events!.OnClosed(error);

    private static ulong Cookie(string id) => ulong.Parse(id.Trim('"').Split('-')[1], System.Globalization.CultureInfo.InvariantCulture);
}
