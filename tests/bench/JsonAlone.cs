using System.Buffers;
using System.Text.Json;

namespace StdioBus.Bench;

/// <summary>
/// What every client that takes a .NET value and gives a <see cref="JsonElement"/> does beside everything else: the
/// request's JSON written and the answer's read, by System.Text.Json, and no worker asked.
/// </summary>
internal sealed class JsonAlone : IContestant
{
    private static readonly byte[] Answer =
        """{"jsonrpc":"2.0","id":"0123456789-12345","result":{"message":"hello, worker"}}"""u8.ToArray();

    private readonly ArrayBufferWriter<byte> _request = new();
    private readonly Utf8JsonWriter _writer;
    private int _sum;

    public JsonAlone() => _writer = new Utf8JsonWriter(_request);

    public Task RunAsync(int calls, int inFlight)
    {
        for (int i = 0; i < calls; i++)
        {
            _request.ResetWrittenCount();
            _writer.Reset(_request);
            JsonSerializer.Serialize(_writer, new { jsonrpc = "2.0", id = i, method = "echo", @params = new { message = "hello, worker" } });
            var reader = new Utf8JsonReader(Answer);
            _sum += JsonElement.ParseValue(ref reader).GetProperty("result").ValueKind == JsonValueKind.Object ? 1 : 0;
        }

        return _sum > 0 ? Task.CompletedTask : throw new InvalidOperationException("nothing was read");
    }

    public ValueTask DisposeAsync() => _writer.DisposeAsync();
}
