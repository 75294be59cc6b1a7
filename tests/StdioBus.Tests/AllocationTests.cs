using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>What requests allocate. Alone, because the runtime counts for the whole process.</summary>
[Collection(nameof(AloneCollection))]
public sealed class AllocationTests
{
    [Theory(DisplayName = "A small request allocates at most 600 bytes, its parameters and result included, alone and 64 at once")]
    [InlineData(1)]
    [InlineData(64)]
    public async Task A_small_request_allocates_little(int atOnce)
    {
        const int Requests = 5_000;
        await using Bus bus = await TestWorkers.StartAsync();
        await RunAsync(2_000);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(Requests);
        double each = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Requests;
        Assert.InRange(each, 1, 600);

        async Task RunAsync(int requests)
        {
            int left = requests;
            await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
            {
                while (Interlocked.Decrement(ref left) >= 0)
                    await bus.RequestAsync("echo", new { message = "hello, worker" }).ConfigureAwait(false);
            })).Soon();
        }
    }

    [Fact(DisplayName = "Small arrays of a burst are all kept for the next one")]
    public void Small_arrays_of_a_burst_are_kept()
    {
        byte[][] first = [.. Enumerable.Range(0, 200).Select(_ => MessageArrays.Rent(300))];
        foreach (byte[] array in first)
            MessageArrays.Return(array);
        byte[][] second = [.. Enumerable.Range(0, 200).Select(_ => MessageArrays.Rent(300))];
        Assert.Equal(first.ToHashSet(), second.ToHashSet());
        Assert.Equal(200, second.Distinct().Count());
        foreach (byte[] array in second)
            MessageArrays.Return(array);
    }
}
