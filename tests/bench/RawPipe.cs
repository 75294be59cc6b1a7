using System.Diagnostics;
using System.Text;

namespace StdioBus.Bench;

/// <summary>The floor: one write a message on the worker's stdin, newlines counted on its stdout, nothing parsed.</summary>
internal sealed class RawPipe : IContestant
{
    private static readonly byte[] Request = Encoding.UTF8.GetBytes(
        """{"jsonrpc":"2.0","id":"0123456789-12345","method":"echo","params":{"message":"hello, worker"}}""" + "\n");

    private readonly Process _worker;
    private readonly Stream _stdin;
    private readonly Stream _stdout;
    private readonly byte[] _buffer = new byte[64 * 1024];

    public RawPipe(string worker)
    {
        _worker = WorkerProcess.Start(worker);
        _stdin = _worker.StandardInput.BaseStream;
        _stdout = _worker.StandardOutput.BaseStream;
    }

    public Task RunAsync(int calls, int inFlight)
    {
        int sent = 0, answered = 0;
        while (answered < calls)
        {
            while (sent < calls && sent - answered < inFlight)
            {
                _stdin.Write(Request);
                _stdin.Flush();
                sent++;
            }

            int read = _stdout.Read(_buffer);
            if (read == 0) throw new EndOfStreamException("the worker ended");
            answered += _buffer.AsSpan(0, read).Count((byte)'\n');
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => WorkerProcess.EndAsync(_worker);
}
