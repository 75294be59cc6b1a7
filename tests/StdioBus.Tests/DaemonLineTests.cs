using System.Buffers;
using System.IO.Pipes;
using System.Text;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What goes between a bus and a daemon: lines, the member that says whence and where to, and the daemon's stderr.</summary>
public sealed class DaemonLineTests
{
    [Theory(DisplayName = "Lines of any length are cut the same, however the bytes come; blank ones and a rest without newline are none")]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64 * 1024)]
    [InlineData(1 << 20)]
    public void Lines_are_cut(int atOnce)
    {
        string[] lines = [.. new[] { 1, 5, 65_534, 65_535, 65_536, 65_537, 2, 300_000, 3 }.Select((length, i) => new string((char)('a' + i), length))];
        var reader = new LineReader(new Dripping(Encoding.UTF8.GetBytes("\n" + string.Join("\n\n", lines) + "\nrest"), atOnce), 300_000);
        Assert.Equal(lines, ReadAll(reader));
    }

    [Fact(DisplayName = "A line that is longer than any may be is an error that names the limit, not a buffer without bound")]
    public void A_line_without_end_is_refused()
    {
        var reader = new LineReader(new Dripping(new byte[1 << 20], 4096), 100_000);
        Assert.Contains("100000", Assert.Throws<BusResourceException>(() => ReadAll(reader)).Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "The first member says who sent a line, and is taken off; one further back is the worker's own")]
    [InlineData("""{"_bus":{"worker":3,"pool":"x"},"id":1,"_bus":5}""", 3, """{"id":1,"_bus":5}""")]
    [InlineData("""{"_bus":{"worker":0,"pool":"a}\"{"},"id":1}""", 0, """{"id":1}""")]
    [InlineData("""{"_bus":{},"id":1}""", -1, """{"id":1}""")]
    [InlineData("""{"_bus":{"worker":2}}""", 2, "{}")]
    [InlineData("""{"id":1,"_bus":{"worker":3}}""", -1, "")]
    [InlineData("""{"_bus":{"worker":3""", -1, "")]
    public void The_origin_is_taken_off(string line, int worker, string message)
    {
        Assert.Equal(message, Encoding.UTF8.GetString(BusLine.TakeOff(Encoding.UTF8.GetBytes(line), out int from)));
        Assert.Equal(worker, from);
    }

    [Theory(DisplayName = "The route is written before a message's own members, whatever these are")]
    [InlineData("""{"id":1}""", null, null, -1, false, 0ul, """{"_bus":{},"id":1}""")]
    [InlineData("""  { "id":1}""", "p\"", "s", -1, true, 5ul, """{"_bus":{"pool":"p\"","session":"s","verbatim":true,"tell":true}, "id":1}""")]
    [InlineData("{ }", "p", null, 4, false, 0ul, """{"_bus":{"worker":4} }""")]
    [InlineData("{}", null, "s", -1, false, 0ul, """{"_bus":{"session":"s"}}""")]
    public void The_route_is_written(string json, string? pool, string? session, int worker, bool verbatim, ulong cookie, string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        var into = new ByteBuffer();
        int start = BusLine.WriteRoute(into, new OutgoingMessage(bytes, bytes.Length, pool, session, worker, verbatim, cookie));
        Assert.Equal(line, Encoding.UTF8.GetString(into.Written) + json[start..]);
        into.Release();
    }

    [Fact(DisplayName = "A23: the tail of stderr keeps the last lines, cuts long ones, replaces what is not UTF-8, and may be empty")]
    public void The_tail_of_stderr()
    {
        var tail = new StderrTail(3);
        Assert.Empty(tail.Read(5));
        tail.Append("one\ntwo\r\nthr"u8);
        tail.Append("ee\nfour\n\nhalf"u8);
        Assert.Equal(["three", "four", ""], tail.Read(5));
        Assert.Equal(["four", ""], tail.Read(2));
        Assert.Empty(tail.Read(0));
        Assert.Empty(tail.Read(-1));
        tail.End();
        Assert.Equal(["four", "", "half"], tail.Read(3));
        tail.Append([(byte)'x', 0xff, 0xfe, (byte)'y', (byte)'\n']);
        tail.Append(Encoding.UTF8.GetBytes(new string('l', 1_000_000) + "\nlast\n"));
        Assert.Equal(["x\ufffd\ufffdy", new string('l', StderrTail.MostBytes), "last"], tail.Read(3));
        var none = new StderrTail(0);
        none.Append("a\nb\n"u8);
        Assert.Empty(none.Read(5));
    }

    [Fact(DisplayName = "Messages are written in order, long ones too; one that finds no room is refused and the others leave")]
    public void Messages_leave_in_order()
    {
        var stream = new Blocked();
        bool closed = false;
        var writer = new LineWriter(stream, () => closed = true, 200_000, "test", error => Assert.Fail(error.ToString()));
        writer.Start();
        int[] sizes = [10, 100_000, 20, 70_000];
        foreach (int size in sizes)
            Assert.Null(writer.Add(Message(size), hasRoute: false, canWait: false));
        Assert.IsType<BusResourceException>(writer.Add(Message(100_000), hasRoute: false, canWait: false));
        stream.Open.Set();
        writer.Finish();
        Assert.True(writer.Join(TimeSpan.FromSeconds(60)));
        Assert.Equal(sizes, Encoding.UTF8.GetString(stream.ToArray()).Split('\n')[..^1].Select(line => line.Length));
        Assert.True(closed);
        Assert.IsType<BusTransportException>(writer.Add(Message(1), hasRoute: false, canWait: false));
    }

    [Fact(DisplayName = "What the bus is told finds room in a queue that is full of messages")]
    public void Control_lines_leave_in_any_case()
    {
        using var output = new Blocked();
        using var input = new AnonymousPipeServerStream(PipeDirection.Out);
        var connection = new DaemonConnection(
            new DaemonLink(new AnonymousPipeClientStream(PipeDirection.In, input.ClientSafePipeHandle), output, () => { }),
            new BusLimits { MaxOutputQueue = 1000 },
            "test",
            new Silent());
        connection.Start();
        Assert.Null(connection.Send(Json(100), canWait: false));
        Assert.True(output.IsEntered.Wait(TestWorkers.Patience));
        for (int i = 0; i < 10; i++)
            Assert.Null(connection.Send(Json(100), canWait: false));
        Assert.IsType<BusResourceException>(connection.Send(Json(100), canWait: false));
        connection.Tell("pause", """{"worker":0}""");
        connection.Tell("resume", """{"worker":0}""");
        output.Open.Set();
        connection.FinishWriting();
        input.Dispose();
        Assert.True(connection.Join(TestWorkers.Patience));
        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n')[..^1];
        Assert.Equal(
            ["""{"jsonrpc":"2.0","method":"stdio_bus/pause","params":{"worker":0}}""", """{"jsonrpc":"2.0","method":"stdio_bus/resume","params":{"worker":0}}"""],
            lines[11..]);
    }

    private static OutgoingMessage Json(int size)
    {
        byte[] json = Encoding.UTF8.GetBytes("{}".PadRight(size));
        byte[] buffer = MessageArrays.Rent(size);
        json.CopyTo(buffer, 0);
        return new OutgoingMessage(buffer, size);
    }

    private static OutgoingMessage Message(int size)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        buffer.AsSpan(0, size).Fill((byte)'m');
        return new OutgoingMessage(buffer, size);
    }

    private static List<string> ReadAll(LineReader reader)
    {
        var lines = new List<string>();
        do
        {
            while (reader.TryTake(out Span<byte> line))
                lines.Add(Encoding.UTF8.GetString(line));
        }
        while (reader.Read());
        return lines;
    }

    private sealed class Dripping(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, atOnce));
    }

    private sealed class Blocked : MemoryStream
    {
        public ManualResetEventSlim Open { get; } = new();

        public ManualResetEventSlim IsEntered { get; } = new();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            IsEntered.Set();
            Open.Wait();
            base.Write(buffer);
        }
    }

    private sealed class Silent : IDaemonListener
    {
        public void OnMessage(in IncomingMessage message) => Assert.Fail("a message came");

        public void OnReport(string method, ReadOnlySpan<byte> json, JsonSlice parameters) => Assert.Fail("a report came");

        public void OnTurnEnd()
        {
            // Nothing waits for it.
        }

        public void OnEnd(Exception? error) => Assert.Null(error);
    }
}
