using System.Text;
using System.Text.Json;
using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>Lines of any size up to the limit, both ways, each followed by a small one.</summary>
public sealed class LargeMessageTests
{
    [Theory(DisplayName = "L4: a line of exactly this many bytes passes both ways")]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_000)]
    [InlineData(10_000_000)]
    public async Task A_large_line_passes(int bytes)
    {
        await using Bus bus = await TestWorkers.StartAsync();
        int around = (await bus.RequestAsync("length", new[] { "" }).Soon()).GetInt32();
        Task<JsonElement> length = bus.RequestAsync("length", new[] { new string('x', bytes - around) });
        Task<JsonElement> small = bus.RequestAsync("echo", new { a = 1 });
        Assert.Equal(bytes, (await length.Soon()).GetInt32());
        Assert.Equal("""{"a":1}""", (await small.Soon()).GetRawText());

        Task<RawJson> filled = bus.RequestRawAsync("fill", new RawJson($$"""{"bytes":{{bytes}}}"""));
        small = bus.RequestAsync("echo", new { a = 2 });
        Assert.InRange((await filled.Soon()).Utf8.Length, bytes - 70, bytes - 40);
        Assert.Equal("""{"a":2}""", (await small.Soon()).GetRawText());
    }

    [Fact(DisplayName = "L4, A27: a message comes back byte for byte")]
    public async Task A_message_comes_back_byte_for_byte()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        var random = new Random(3);
        for (int i = 0; i < 20; i++)
        {
            string json = JsonSerializer.Serialize(new { text = new string([.. Enumerable.Range(0, random.Next(200_000)).Select(_ => (char)random.Next(0x20, 0xd000))]) });
            RawJson back = await bus.RequestRawAsync("echo", new RawJson(json)).Soon();
            Assert.True(back.Utf8.Span.SequenceEqual(Encoding.UTF8.GetBytes(json)), $"round {i} came back changed");
        }
    }

    [Fact(DisplayName = "A message over the limit is an error that names it, and the bus stays usable")]
    public async Task A_message_over_the_limit_is_refused()
    {
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Limits = new BusLimits { MaxInputBuffer = 100_000 };
        await using Bus bus = await TestWorkers.StartAsync(options);
        var error = await Assert.ThrowsAsync<BusResourceException>(() => bus.RequestAsync("echo", new[] { new string('x', 100_000) }).Soon());
        Assert.Contains("max_input_buffer", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BusResourceException>(() => bus.NotifyAsync("echo", new[] { new string('x', 100_000) }).Soon());
        Assert.Equal("[1]", (await bus.RequestAsync("echo", new[] { 1 }).Soon()).GetRawText());
        Assert.Equal(0, bus.PendingCount);
    }

    [Fact(DisplayName = "A raw message that is not JSON is refused by the kernel")]
    public async Task A_raw_message_that_is_no_json_is_refused()
    {
        await using Bus bus = await TestWorkers.StartAsync();
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.SendAsync(new RawJson("""{"a":tru}""")).Soon());
        await Assert.ThrowsAsync<BusInvalidArgumentException>(() => bus.RequestAsync("echo", new RawJson("""{"a":01}""")).Soon());
        Assert.Equal((0, 0), (bus.PendingCount, bus.KernelPendingCount));
    }
}
