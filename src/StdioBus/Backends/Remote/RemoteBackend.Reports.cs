using System.Buffers.Text;
using System.Text.Json;

namespace StdioBus;

/// <content>What the daemon sends, handed on.</content>
internal abstract partial class RemoteBackend
{
    void IDaemonListener.OnMessage(in IncomingMessage message)
    {
        // An answer of the bus itself to a request that no worker has.
        if (message.FromKernel && MessageView.Read(message.Json) is { Id.IsPresent: true } view && _ids.Read(view.Id.Of(message.Json)) is > 0 and long id)
            _events!.OnPlaced((ulong)id, -1);
        _events!.OnMessage(message);
    }

    void IDaemonListener.OnReport(string method, ReadOnlySpan<byte> json, JsonSlice parameters)
    {
        if (!parameters.IsObject(json))
            return;
        switch (method)
        {
            case "placed":
                OnPlaced(json, parameters);
                break;
            case "settled":
                OnSettled(json, parameters);
                break;
            case "worker":
                OnWorker(JsonElements.Parse(parameters.Of(json)));
                break;
            case "skipped":
                OnSkipped(JsonElements.Parse(parameters.Of(json)));
                break;
            case "log":
                OnLog(JsonElements.Parse(parameters.Of(json)));
                break;
        }
    }

    private void OnPlaced(ReadOnlySpan<byte> json, JsonSlice parameters)
    {
        long id = 0;
        int worker = -1;
        var members = new JsonMembers(json, parameters.Start);
        while (members.MoveNext())
        {
            if (members.NameIs("id"u8))
                id = _ids.Read(members.Value.Of(json));
            else if (members.NameIs("worker"u8) && Utf8Parser.TryParse(members.Value.Of(json), out int number, out _))
                worker = number;
        }

        if (id > 0)
            _events!.OnPlaced((ulong)id, worker);
    }

    private void OnSettled(ReadOnlySpan<byte> json, JsonSlice parameters)
    {
        var members = new JsonMembers(json, parameters.Start);
        while (members.MoveNext())
            if (members.NameIs("id"u8) && _ids.Read(members.Value.Of(json)) is > 0 and long id)
                _events!.OnSettled((ulong)id);
    }

    private void OnWorker(JsonElement parameters)
    {
        if (!parameters.TryGetProperty("worker", out JsonElement id) || !id.TryGetInt32(out int worker) || (uint)worker >= (uint)_paused.Length
            || !parameters.TryGetProperty("event", out JsonElement text) || !Enum.TryParse(text.GetString(), ignoreCase: true, out WorkerEvent change))
        {
            return;
        }

        // A pause ends with the worker's process; the events' receiver sets those anew that are still wanted.
        if (change == WorkerEvent.Started)
            lock (_paused)
                _paused[worker] = PauseReasons.None;
        _events!.OnWorker(worker, change);
        lock (_changes)
            _changes.OnWorker(worker, change);
    }

    private void OnSkipped(JsonElement skipped)
    {
        if (skipped.TryGetProperty("worker", out JsonElement id) && id.TryGetInt32(out int worker) && (uint)worker < (uint)_paused.Length
            && skipped.TryGetProperty("reason", out JsonElement reason) && skipped.TryGetProperty("line", out JsonElement line))
        {
            _events!.OnSkipped(worker, reason.ToString(), line.ToString());
        }
    }

    private void OnLog(JsonElement line)
    {
        if (!line.TryGetProperty("text", out JsonElement text) || text.ValueKind != JsonValueKind.String)
            return;
        BusLogLevel level = !line.TryGetProperty("level", out JsonElement name) ? BusLogLevel.Information
            : name.GetString() switch { "debug" => BusLogLevel.Debug, "warn" => BusLogLevel.Warning, "error" => BusLogLevel.Error, _ => BusLogLevel.Information };
        bool isStderr = line.TryGetProperty("stderr", out JsonElement stderr) && stderr.ValueKind == JsonValueKind.True;
        int? worker = isStderr && line.TryGetProperty("worker", out JsonElement id) && id.TryGetInt32(out int number) ? number : null;
        if (line.TryGetProperty("dropped", out JsonElement dropped))
            _events!.OnLog(BusLogLevel.Warning, null, $"{dropped} lines of the log were dropped here, because they came too fast.");
        _events!.OnLog(level, worker, text.GetString()!);
    }
}
