namespace StdioBus;

/// <summary>Whose turn it is to call a kernel: that of one thread at a time. What one did in its turn is seen by the next.</summary>
internal sealed class KernelTurn(Thread first)
{
    private Thread? _holder = first;

    /// <summary>Whether the current thread has it.</summary>
    public bool IsMine => Volatile.Read(ref _holder) == Thread.CurrentThread;

    /// <summary>Whether nobody has it, at this moment.</summary>
    public bool IsFree => Volatile.Read(ref _holder) is null;

    /// <summary>Who has it, in words.</summary>
    public string Holder => Volatile.Read(ref _holder) is { } holder ? $"the thread {Name(holder)}" : "no thread";

    /// <summary>The current thread, in words.</summary>
    public static string CurrentThread => Name(Thread.CurrentThread);

    /// <summary>Takes it when nobody has it.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref _holder, Thread.CurrentThread, null) is null;

    /// <summary>Lets go of it.</summary>
    public void Leave() => Interlocked.Exchange(ref _holder, null);

    private static string Name(Thread thread) => $"'{thread.Name ?? "unnamed"} (#{thread.ManagedThreadId})'";
}
