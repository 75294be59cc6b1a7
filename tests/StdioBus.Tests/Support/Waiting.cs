using System.Diagnostics;

namespace StdioBus.Tests.Support;

/// <summary>Waits for what a test needs, and fails it when that does not come.</summary>
internal static class Waiting
{
    /// <summary>The task's result, or a failure after <see cref="TestWorkers.Patience"/>.</summary>
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(TestWorkers.Patience);

    public static Task Soon(this Task task) => task.WaitAsync(TestWorkers.Patience);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(TestWorkers.Patience);

    /// <summary>Looks again and again at a state that nothing announces, such as whether a process is there.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TestWorkers.Patience, $"Did not come about: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>Everything of an enumeration.</summary>
    public static async Task<List<T>> ToListAsync<T>(this IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (T item in items)
            list.Add(item);
        return list;
    }
}
