using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace StdioBus;

/// <summary>
/// How a caller that waits for its answer makes the kernel's steps itself, instead of waking the loop and being woken by it.
/// When the only call there was has its answer, and calls follow each other closely, the loop does not step but waits for the
/// caller to come back: the turn is free then, and the caller takes it with its next request. Whatever else there is to do
/// gives the turn back to the loop, so that what is lost by a wrong guess is <see cref="LoanMs"/> once.
/// </summary>
internal abstract partial class KernelLoop
{
    // How long nobody may step while a caller is expected, and how long a caller that steps waits for anything to happen.
    private const int LoanMs = 1;

    // An answer is often so near that going to sleep and being woken would take longer. It is no spinning: whoever else
    // wants the CPU has it meanwhile, and when somebody does, the answer is better waited for.
    private const int PollsBeforeBlocking = 64;
    private const int LongestYieldUs = 50;

    // A caller that sent, but then did not step but blocked, had to wait for the loop. It may do so every time.
    private const int AnswersWithoutLoan = 64;

    private readonly ManualResetEventSlim _wanted = new(initialState: false, spinCount: 0);
    private LoopCommand? _left;
    private ExceptionDispatchInfo? _defect;
    private long _lastAlone;
    private int _withoutLoan;
    private int _drives;

    /// <summary>Whether <see cref="Drive"/> would find the kernel free at this moment.</summary>
    public bool CanBeDriven => Turn.IsFree;

    /// <summary>
    /// Sends what was posted and steps until an answer is there that is the only thing that has happened. For a caller that
    /// waits, and that comes here again with its next request. When the kernel is not to be had, or something else happens,
    /// perhaps an answer too, or nothing for a while, the loop sees to everything, and the caller may block.
    /// </summary>
    public void Drive()
    {
        if (!Turn.TryTake())
        {
            WakeForRest();
            return;
        }

        bool isAnswered = false;
        try
        {
            isAnswered = _defect is null && _left is null && StepUntilAnswered(Kernel!);
        }
        catch (Exception error)
        {
            // A defect, which ends the loop as if it had met it itself.
            _defect = ExceptionDispatchInfo.Capture(error);
        }

        _drives++;
        Turn.Leave();
        if (!isAnswered || !_commands.IsEmpty)
            _wanted.Set();
    }

    private bool StepUntilAnswered(KernelBus kernel)
    {
        for (int polls = 0; polls <= PollsBeforeBlocking; polls++)
        {
            Interlocked.Exchange(ref _signalled, 0);
            while (_commands.TryDequeue(out LoopCommand command))
            {
                if (!CanBeDrivenWith(command))
                {
                    _left = command;
                    return false;
                }

                Execute(kernel, command);
            }

            if (OnTurnEnd() != TurnOutcome.Quiet)
                return false;
            int handled = kernel.StepLent(polls < PollsBeforeBlocking ? 0 : LoanMs);
            TurnOutcome outcome = OnTurnEnd();
            if (outcome == TurnOutcome.Driver)
            {
                _lastAlone = Stopwatch.GetTimestamp();
                return true;
            }

            if (outcome != TurnOutcome.Quiet || handled < 0)
                return false;
            if (handled == 0 && IsCpuWanted())
                polls = Math.Max(polls, PollsBeforeBlocking - 1);
        }

        return false;
    }

    // What ends the loop, or a process, or may start one, is the loop's.
    private static bool CanBeDrivenWith(in LoopCommand command) => command.Kind
        is LoopCommandKind.Send or LoopCommandKind.GiveUp or LoopCommandKind.Pause or LoopCommandKind.Resume
        or LoopCommandKind.ReadSnapshot or LoopCommandKind.ReadWorkers;

    private static bool IsCpuWanted()
    {
        long before = Stopwatch.GetTimestamp();
        Thread.Yield();
        return Stopwatch.GetElapsedTime(before).TotalMicroseconds > LongestYieldUs;
    }

    // Callers that take longer than a loan from one answer to the next would not be waited for.
    private bool IsWorthLending(KernelBus kernel)
    {
        long now = Stopwatch.GetTimestamp();
        bool isSoon = Stopwatch.GetElapsedTime(_lastAlone, now).TotalMilliseconds < LoanMs;
        _lastAlone = now;
        if (_withoutLoan > 0)
        {
            _withoutLoan--;
            return false;
        }

        return isSoon && kernel.CanBeLent && kernel.State == BusState.Running;
    }

    private void Lend()
    {
        int drives = _drives;
        bool wasCalled = false;
        _wanted.Reset();
        Turn.Leave();

        // What came until now found the turn taken, and has woken a step that nobody makes.
        bool isOver = !_commands.IsEmpty;
        while (!isOver || !Turn.TryTake())
        {
            int seen = Volatile.Read(ref _drives);
            wasCalled = _wanted.Wait(LoanMs);
            if (wasCalled)
                _wanted.Reset();
            isOver = wasCalled || seen == Volatile.Read(ref _drives);
        }

        if (!wasCalled && drives == _drives && !_commands.IsEmpty)
            _withoutLoan = AnswersWithoutLoan;
    }

    // What a driver has left to the loop.
    private LoopCommand? TakeBack()
    {
        _defect?.Throw();
        LoopCommand? left = _left;
        _left = null;
        return left;
    }
}
