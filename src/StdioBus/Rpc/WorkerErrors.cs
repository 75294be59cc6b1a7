using System.Text.Json;

namespace StdioBus;

/// <summary>Turns the error of a JSON-RPC answer into an exception.</summary>
internal static class WorkerErrors
{
    /// <summary>Reads the error.</summary>
    /// <param name="error">The <c>error</c> member as it stands in the message.</param>
    /// <param name="call">The request it answers.</param>
    /// <param name="workerId">The worker that answered; -1 when that is not known.</param>
    /// <param name="fromKernel">Whether the kernel made it.</param>
    public static StdioBusException Read(ReadOnlySpan<byte> error, PendingCall call, int workerId, bool fromKernel)
    {
        int? code = null;
        string? message = null;
        RawJson? data = null;
        if (error[0] == (byte)'{')
        {
            var members = new JsonMembers(error, 0);
            while (members.MoveNext())
            {
                ReadOnlySpan<byte> value = members.Value.Of(error);
                if (members.NameIs("code"u8) && System.Buffers.Text.Utf8Parser.TryParse(value, out int number, out int used) && used == value.Length)
                    code = number;
                else if (members.NameIs("message"u8) && members.Value.IsString(error))
                    message = JsonStrings.Decode(value);
                else if (members.NameIs("data"u8))
                    data = new RawJson(value.ToArray());
            }
        }

        BusErrorCode kind = fromKernel ? RpcErrorCode.OfKernel(code ?? 0) : RpcErrorCode.OfWorker(code ?? 0);
        KernelData known = fromKernel && data is { } raw ? KernelData.Read(raw) : default;
        string? pool = known.Pool ?? call.PoolName;
        string text = message is null ? $"The worker answered '{call.Method}' with an error that has no message."
            : fromKernel ? Sentence(call.Method, kind, message, known, pool)
            : message;
        StdioBusException made = kind == BusErrorCode.Internal && code is not null && !fromKernel ? new BusRpcException(text) : BusError.Create(kind, text);
        made.RpcCode = code;
        made.RpcData = data;
        made.Method = call.Method;
        made.Pool = pool;
        made.WorkerId = known.Worker ?? (workerId >= 0 ? workerId : null);
        made.WasWritten = fromKernel ? known.WasWritten : true;
        made.Details = known.StandardError;
        return made;
    }

    // The kernel's message names the kind of error only; its reason says what happened.
    private static string Sentence(string method, BusErrorCode kind, string message, in KernelData known, string? pool)
    {
        string? where = known.Worker is { } worker ? $"worker {worker} of pool '{pool}'" : pool is null ? null : $"pool '{pool}'";
        string what = kind == BusErrorCode.TransportError && known is { Worker: not null, Reason: not null }
            ? $"{where} {known.Reason}"
            : message + (where is null ? "" : $" ({where})") + (known.Reason is null ? "" : $": {known.Reason}");
        return $"The request '{method}' failed: {what}.";
    }

    // What the kernel puts into the data of its errors.
    private readonly record struct KernelData(string? Pool, int? Worker, string? Reason, string? StandardError, bool? WasWritten)
    {
        public static KernelData Read(RawJson data)
        {
            JsonElement element = data.ToElement();
            if (element.ValueKind != JsonValueKind.Object)
                return default;
            return new KernelData(
                element.TryGetProperty("pool", out JsonElement pool) && pool.ValueKind == JsonValueKind.String ? pool.GetString() : null,
                element.TryGetProperty("worker", out JsonElement worker) && worker.ValueKind == JsonValueKind.Number && worker.TryGetInt32(out int id) && id >= 0 ? id : null,
                element.TryGetProperty("reason", out JsonElement reason) && reason.ValueKind == JsonValueKind.String ? reason.GetString() : null,
                element.TryGetProperty("stderr", out JsonElement stderr) && stderr.ValueKind == JsonValueKind.String && stderr.GetString() is { Length: > 0 } text ? text : null,
                element.TryGetProperty("written", out JsonElement written) && written.ValueKind is JsonValueKind.True or JsonValueKind.False ? written.GetBoolean() : null);
        }
    }
}
