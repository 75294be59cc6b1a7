using System.Collections.Concurrent;

namespace StdioBus;

/// <summary>
/// The one thread that calls a kernel. It blocks in <c>step</c> until something happens or a command wakes it.
/// Commands of other threads go through a lock-free queue; the first of a burst wakes the loop, which then takes all.
/// </summary>
internal abstract class KernelLoop
{
    private readonly ConcurrentQueue<LoopCommand> _commands = new();
    private readonly Thread _thread;
    private WakerHandle? _waker;
    private int _signalled;
    private int _over;
    private bool _isInStep;

    protected KernelLoop(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>The kernel; for the loop thread only.</summary>
    protected KernelBus? Kernel { get; private set; }

    /// <summary>Whether the loop is to end without waiting for the kernel to.</summary>
    protected bool EndNow { get; set; }

    /// <summary>Whether the current thread is the loop's.</summary>
    protected bool IsLoopThread => Thread.CurrentThread == _thread;

    /// <summary>Starts the thread.</summary>
    protected void StartThread() => _thread.Start();

    /// <summary>
    /// Queues a command. It is carried out, or refused when the loop ends first: no command is lost.
    /// </summary>
    protected void Post(in LoopCommand command)
    {
        _commands.Enqueue(command);
        if (Volatile.Read(ref _over) != 0)
        {
            RefuseRest();
            return;
        }

        // The loop drains the queue after each step, so its own thread need not wake it.
        if (!IsLoopThread && Interlocked.Exchange(ref _signalled, 1) == 0)
            Volatile.Read(ref _waker)?.Wake();
    }

    /// <summary>
    /// Called when the kernel calls back. During a step the loop is then awake, and drains the queue after it, so that
    /// nobody need wake it before: what an answer sets off on other threads leaves with the rest, in one write. Outside
    /// of a step, that is while the queue is drained, a later command still has to wake the step that follows.
    /// </summary>
    protected void StayAwake()
    {
        if (_isInStep)
            Volatile.Write(ref _signalled, 1);
    }

    /// <summary>Makes and starts the kernel; what it throws ends the loop.</summary>
    protected abstract KernelBus MakeKernel();

    /// <summary>Called once the kernel runs.</summary>
    protected abstract void OnRunning(KernelBus kernel);

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
            while (_commands.TryDequeue(out LoopCommand command))
                Execute(kernel, command);
            if (EndNow || kernel.State == BusState.Stopped)
                return;
            _isInStep = true;
            int code = kernel.Step(StepTimeout);
            _isInStep = false;
            if (code < 0 && kernel.State != BusState.Stopped)
                throw new BusTransportException($"The kernel's loop failed with code {code}.");
        }
    }

    private void RefuseRest()
    {
        while (_commands.TryDequeue(out LoopCommand command))
            Refuse(command);
    }
}
