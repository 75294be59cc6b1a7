using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The handshake with an agent.</summary>
public sealed class HelloTests
{
    private static readonly BusPool Enveloped = new("p", "unused") { Envelope = EnvelopeKind.StdioBus };

    [Fact(DisplayName = "A7, A11: the handshake byte for byte, with the least and with extensions")]
    public async Task The_handshake_has_its_wire_form()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _ = bus;
        Task<HelloResult> least = bus.HelloAsync();
        (string sent, OutgoingMessage route) = backend.TakeSent();
        Assert.EndsWith($$$""","method":"stdio_bus/hello","params":{"protocolVersion":"0.1.0","extensions":{}},"sessionId":"{{{bus.ClientSessionId}}}"}""", sent, StringComparison.Ordinal);
        Assert.Equal(bus.ClientSessionId, route.Session);
        Task<HelloResult> full = bus.HelloAsync(new HelloParams { ProtocolVersion = "2", Extensions = { ["audit"] = new("1.0", required: true), ["x"] = new() } });
        Assert.Contains(""" "params":{"protocolVersion":"2","extensions":{"audit":{"version":"1.0","required":true},"x":{"required":false}}},"""[1..], backend.TakeSent().Json, StringComparison.Ordinal);
        await bus.StopAsync().Soon();
        await Assert.ThrowsAsync<BusTransportException>(() => least.Soon());
        await Assert.ThrowsAsync<BusTransportException>(() => full.Soon());
    }

    [Fact(DisplayName = "A7, A12: an extension's version is what was selected, else its version; the agent's session is kept")]
    public async Task The_answer_is_read()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _ = bus;
        Task<HelloResult> hello = bus.HelloAsync(new HelloParams { Extensions = { ["a"] = new("1", required: true) } });
        backend.Answer(backend.TakeId(), """{"negotiatedProtocolVersion":"0.1.0","sessionId":"agent-1","extensions":{"a":{"selected":"1.1","version":"1.0"},"b":{"version":"2"},"c":"3","d":true,"e":{},"not":{"selected":null},"nor":false,"neither":null}}""");
        HelloResult result = await hello.Soon();
        Assert.Equal(("0.1.0", "agent-1", "agent-1"), (result.NegotiatedProtocolVersion, result.SessionId, bus.AgentSessionId));
        Assert.Equal(new Dictionary<string, string?> { ["a"] = "1.1", ["b"] = "2", ["c"] = "3", ["d"] = null, ["e"] = null }, result.Extensions);
        Task<HelloResult> without = bus.HelloAsync();
        backend.Answer(backend.TakeId(), """{"negotiatedProtocolVersion":"0.1.0"}""");
        Assert.Null((await without.Soon()).SessionId);
        Assert.Equal("agent-1", bus.AgentSessionId);
    }

    [Theory(DisplayName = "A handshake without agreement is NegotiationFailed and says what is missing")]
    [InlineData("""{"negotiatedProtocolVersion":"0.1.0","extensions":{"a":{"selected":null}}}""", "'a', 'b'")]
    [InlineData("""{"negotiatedProtocolVersion":"0.1.0","extensions":{"b":{}}}""", "'a'")]
    [InlineData("""{"extensions":{"a":{},"b":{}}}""", "negotiatedProtocolVersion")]
    [InlineData("null", "negotiatedProtocolVersion")]
    public async Task A_handshake_without_agreement_fails(string answer, string named)
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _ = bus;
        Task<HelloResult> hello = bus.HelloAsync(new HelloParams { Extensions = { ["a"] = new("1", required: true), ["b"] = new("1", required: true), ["c"] = new("1") } });
        backend.Answer(backend.TakeId(), answer);
        var error = await Assert.ThrowsAsync<BusNegotiationException>(() => hello.Soon());
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(("p", "stdio_bus/hello", null), (error.Pool, error.Method, bus.AgentSessionId));
    }

    [Fact(DisplayName = "What cannot be a handshake is refused by name before anything is sent")]
    public async Task What_cannot_be_a_handshake_is_refused()
    {
        (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(Enveloped));
        await using var _ = bus;
        Assert.StartsWith("ProtocolVersion:", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.HelloAsync(new HelloParams { ProtocolVersion = "" }))).Message, StringComparison.Ordinal);
        Assert.StartsWith("Extensions['a']:", (await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.HelloAsync(new HelloParams { Extensions = { ["a"] = null! } }))).Message, StringComparison.Ordinal);
        Assert.Empty(backend.Sent);
    }

    [Fact(DisplayName = "Connect starts, and shakes hands with the pool that is named when there are parameters")]
    public async Task Connect_starts_and_shakes_hands()
    {
        BusPool[] pools = [TestWorkers.Pool("plain"), TestWorkers.Pool("agent")];
        await using (var bus = new Bus(TestWorkers.Options(pools)))
        {
            Assert.Null(await bus.ConnectAsync().Soon());
            Assert.Equal(BusState.Running, bus.State);
            var error = await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.HelloAsync().Soon());
            Assert.Contains("agent", error.Message, StringComparison.Ordinal);
        }

        using var blocking = new BlockingBus(TestWorkers.Options(pools));
        HelloResult result = blocking.Connect(new HelloParams { Extensions = { ["x"] = new("7", required: true) } }, new() { Pool = "agent" })!;
        Assert.Equal(("0.1.0", "agent-session", "7"), (result.NegotiatedProtocolVersion, blocking.AgentSessionId, result.Extensions["x"]));
        Assert.Throws<BusNegotiationException>(() => blocking.Hello(new HelloParams { ProtocolVersion = "none" }, new() { Pool = "agent" }));
        Assert.Equal(BusState.Running, blocking.State);
    }
}
