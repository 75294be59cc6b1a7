using System.Collections.Concurrent;

namespace StdioBus;

/// <summary>
/// The thread of a kernel. It blocks in <c>step</c> until something happens or a command wakes it. Commands of other threads
/// go through a lock-free queue; the first of a burst wakes the loop, which then takes all. For a while it may lend the kernel
/// to a caller that waits: see <see cref="Drive"/>.
/// </summary>
internal abstract partial class KernelLoop
{
    private const int YieldsBeforeBlocking = 8;
    private readonly ConcurrentQueue<LoopCommand> _commands = new();
    private readonly Thread _thread;
    private WakerHandle? _waker;
    private int _signalled;
    private int _over;

    protected KernelLoop(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        Turn = new KernelTurn(_thread);
    }

    /// <summary>The kernel; for the thread whose turn it is.</summary>
    protected KernelBus? Kernel { get; private set; }

    /// <summary>Whether the loop is to end without waiting for the kernel to.</summary>
    protected bool EndNow { get; set; }

    /// <summary>Whose turn it is to call the kernel, and to tell events.</summary>
    protected KernelTurn Turn { get; }

    /// <summary>Starts the thread.</summary>
    protected void StartThread() => _thread.Start();

    /// <summary>
    /// Queues a command. It is carried out, or refused when the loop ends first: no command is lost.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="canWait">Whether <see cref="WakeForRest"/> or <see cref="Drive"/> follows: then this does not wake the loop.</param>
    protected void Post(in LoopCommand command, bool canWait = false)
    {
        _commands.Enqueue(command);

        // Whoever ends the loop, or lets go of the turn, looks at the queue after he said so: one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _over) != 0)
            RefuseRest();
        else if (!canWait)
            Wake();
    }

    /// <summary>Wakes the loop if commands wait that nobody woke it for.</summary>
    protected void WakeForRest()
    {
        if (!_commands.IsEmpty)
            Wake();
    }

    // Whoever has the turn looks at the queue before he waits, and when he has let go of it: he need not be woken by himself.
    private void Wake()
    {
        if (Turn.IsFree)
            _wanted.Set();
        else if (!Turn.IsMine && Interlocked.Exchange(ref _signalled, 1) == 0)
            Volatile.Read(ref _waker)?.Wake();
    }

    /// <summary>Makes and starts the kernel; what it throws ends the loop.</summary>
    protected abstract KernelBus MakeKernel();

    /// <summary>Called once the kernel runs.</summary>
    protected abstract void OnRunning(KernelBus kernel);

    /// <summary>Called when a step, and when the commands that waited, are done with.</summary>
    protected abstract TurnOutcome OnTurnEnd();

    /// <summary>Carries out a command.</summary>
    protected abstract void Execute(KernelBus kernel, in LoopCommand command);

    /// <summary>Refuses a command that came too late; on any thread.</summary>
    protected abstract void Refuse(in LoopCommand command);

    /// <summary>Called before the kernel is freed, and once it is; then nothing of it runs.</summary>
    protected abstract void OnEnding(KernelBus kernel);

    /// <summary>Called last, on the loop thread.</summary>
    protected abstract void OnEnded(Exception? error);

    /// <summary>How long a step may block, in milliseconds; -1 where the kernel can be woken.</summary>
    protected abstract int StepTimeout { get; }

    private void Run()
    {
        Exception? failure = null;
        try
        {
            Kernel = MakeKernel();
            if (StepTimeout < 0)
                Volatile.Write(ref _waker, Kernel.MakeWaker());
            Kernel.Start();
            OnRunning(Kernel);
            Loop(Kernel);
            OnEnding(Kernel);
        }
        catch (Exception error)
        {
            failure = error;
        }

        try
        {
            Kernel?.Dispose();
        }
        catch (Exception error)
        {
            failure ??= error;
        }

        Interlocked.Exchange(ref _over, 1);
        _waker?.Dispose();
        RefuseRest();
        OnEnded(failure);
    }

    private void Loop(KernelBus kernel)
    {
        while (true)
        {
            // Cleared before the queue is read: a command that is queued from here on wakes the step.
            Interlocked.Exchange(ref _signalled, 0);
            if (TakeBack() is { } left)
                Execute(kernel, left);
            while (_commands.TryDequeue(out LoopCommand command))
                Execute(kernel, command);
            OnTurnEnd();
            if (EndNow || kernel.State == BusState.Stopped)
                return;
            int code = kernel.Step(StepTimeout);
            TurnOutcome outcome = OnTurnEnd();
            if (code < 0 && kernel.State != BusState.Stopped)
                throw new BusTransportException($"The kernel's loop failed with code {code}.");
            if (outcome == TurnOutcome.Driver && IsWorthLending(kernel))
                Lend();
            else if (outcome is TurnOutcome.Driver or TurnOutcome.Callers)
                Linger();
        }
    }

    // Callers that go on often send again at once. Giving up the CPU a few times before blocking lets them, without the
    // price of a wake-up; it is no spinning, as whoever else wants the CPU has it meanwhile.
    private void Linger()
    {
        Volatile.Write(ref _signalled, 1);
        for (int i = 0; i < YieldsBeforeBlocking && _commands.IsEmpty; i++)
            Thread.Yield();
    }

    private void RefuseRest()
    {
        while (_commands.TryDequeue(out LoopCommand command))
            Refuse(command);
    }
}
