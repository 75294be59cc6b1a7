namespace StdioBus.Tests;

/// <summary>Numbers and names that users and the kernel rely on.</summary>
public sealed class EnumTests
{
    [Theory(DisplayName = "A1: values and names")]
    [InlineData(typeof(BusState), "Created=0 Starting=1 Running=2 Stopping=3 Stopped=4")]
    [InlineData(typeof(BackendKind), "Auto=0 Native=1 Subprocess=2 Docker=3 Socket=4")]
    [InlineData(typeof(BusLogLevel), "Debug=0 Information=1 Warning=2 Error=3")]
    [InlineData(typeof(ListenMode), "None=0 Tcp=1 Unix=2")]
    [InlineData(typeof(BusErrorCode), "InvalidArgument=1 InvalidState=2 Timeout=3 Cancelled=4 TransportError=5 NegotiationFailed=6 PolicyDenied=7 Unavailable=8 ResourceExhausted=9 NotSupported=10 Internal=99")]
    [InlineData(typeof(OverflowPolicy), "DropNewest=0 Drop=0 DropOldest=1 Close=2 Block=3")]
    [InlineData(typeof(StreamEventType), "Chunk=0 Thought=1 ToolCall=2 ToolCallUpdate=3 Plan=4 Progress=5 Log=6 Update=7 Result=8")]
    [InlineData(typeof(EnvelopeKind), "Standard=0 StdioBus=1")]
    [InlineData(typeof(Dialect), "Auto=0 Plain=1 Mcp=2 Acp=3 JsonRpcCancel=4")]
    [InlineData(typeof(SubscriptionEndReason), "None=0 Closed=1 Overflow=2 BusStopped=3 WorkerLost=4")]
    [InlineData(typeof(WorkerState), "Starting=0 Running=1 Restarting=2 Stopping=3 Stopped=4 Failed=5 Suspended=6")]
    public void Values_and_names(Type type, string expected)
    {
        IEnumerable<string> actual = Enum.GetNames(type).Select(name => $"{name}={(int)Enum.Parse(type, name)}");
        Assert.Equal(expected.Split(' ').Order(), actual.Order());
    }

    [Fact(DisplayName = "A8: each code has one class and back; numbers without a name are Internal")]
    public void Each_code_has_its_class()
    {
        foreach (BusErrorCode code in Enum.GetValues<BusErrorCode>())
            Assert.Equal(code, BusError.Create(code, "x").Code);
        Assert.Equal(Enum.GetValues<BusErrorCode>().Length, Enum.GetValues<BusErrorCode>().Select(code => BusError.Create(code, "x").GetType()).Distinct().Count());
        foreach (int odd in new[] { 0, -1, 11, 98, 100, -32001 })
            Assert.Equal(BusErrorCode.Internal, BusError.Create((BusErrorCode)odd, "x").Code);
    }

    [Fact(DisplayName = "A8: a worker's codes 1 to 10 keep their names, the kernel's have theirs")]
    public void Rpc_codes_map_to_classes()
    {
        for (int code = 1; code <= 10; code++)
            Assert.Equal((BusErrorCode)code, RpcErrorCode.OfWorker(code));
        foreach (int code in new[] { 0, -1, 11, 99, -32001, -32601 })
            Assert.Equal(BusErrorCode.Internal, RpcErrorCode.OfWorker(code));
        Assert.Equal(
            [BusErrorCode.Unavailable, BusErrorCode.TransportError, BusErrorCode.ResourceExhausted, BusErrorCode.TransportError, BusErrorCode.InvalidArgument, BusErrorCode.NotSupported, BusErrorCode.InvalidArgument, BusErrorCode.InvalidArgument],
            new[] { -32001, -32002, -32003, -32004, -32602, -32601, -32600, -32700 }.Select(RpcErrorCode.OfKernel));
    }

    [Fact(DisplayName = "A9: what may be tried again")]
    public void What_may_be_tried_again()
    {
        IEnumerable<BusErrorCode> retryable = Enum.GetValues<BusErrorCode>().Where(code => BusError.Create(code, "x").IsRetryable);
        Assert.Equal([BusErrorCode.Timeout, BusErrorCode.Unavailable, BusErrorCode.ResourceExhausted], retryable);
        StdioBusException unwritten = BusError.Create(BusErrorCode.TransportError, "x");
        unwritten.WasWritten = false;
        Assert.True(unwritten.IsRetryable);
        unwritten.WasWritten = true;
        Assert.False(unwritten.IsRetryable);
    }
}
