using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>By which session a message is routed.</summary>
public sealed class SessionRuleTests
{
    [Theory(DisplayName = "A11: the session is the option, else that of the params when it is a text, else in the StdioBus envelope the client's, else none")]
    [InlineData("option", """{"sessionId":"params"}""", "option", "option")]
    [InlineData(null, """{"sessionId":"p\u0041rams"}""", "pArams", "pArams")]
    [InlineData(null, """{"sessionId":5}""", null, "client")]
    [InlineData(null, """{"sessionId":null}""", null, "client")]
    [InlineData(null, """{"sessionId":""}""", null, "client")]
    [InlineData(null, """["sessionId"]""", null, "client")]
    [InlineData(null, """{"a":{"sessionId":"inner"}}""", null, "client")]
    [InlineData(null, "null", null, "client")]
    public async Task The_session_follows_the_rules(string? option, string parameters, string? standard, string? enveloped)
    {
        foreach ((EnvelopeKind envelope, string? expected) in new[] { (EnvelopeKind.Standard, standard), (EnvelopeKind.StdioBus, enveloped) })
        {
            (Bus bus, FakeBackend backend) = await FakeBackend.StartAsync(TestWorkers.Options(new BusPool("p", "unused") { Envelope = envelope }));
            await using var _ = bus;
            string? session = expected == "client" ? bus.ClientSessionId : expected;
            var options = new StreamOptions { SessionId = option };
            Task request = bus.RequestAsync("m", new RawJson(parameters), options), stream = bus.StreamRequestAsync("m", new RawJson(parameters), options).ToListAsync();
            await bus.NotifyAsync("m", new RawJson(parameters), options);
            for (int i = 0; i < 3; i++)
                Assert.Equal(session, backend.TakeSent().Route.Session);
            await bus.StopAsync().Soon();
            await Assert.ThrowsAsync<BusTransportException>(() => request.Soon());
            await Assert.ThrowsAsync<BusTransportException>(() => stream.Soon());
        }
    }

    [Fact(DisplayName = "Requests without a session use all workers of a pool in the standard envelope")]
    public async Task Requests_without_a_session_use_all_workers()
    {
        await using Bus bus = await TestWorkers.StartAsync(instances: 3);
        JsonElement[] answers = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => bus.RequestAsync("pid"))).Soon();
        Assert.Equal([3, 3, 3], answers.GroupBy(answer => answer.GetProperty("pid").GetInt32()).Select(each => each.Count()));
    }
}
