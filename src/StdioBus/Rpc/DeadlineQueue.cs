namespace StdioBus;

/// <summary>Something that must be looked at when a moment has come.</summary>
internal abstract class Deadline
{
    /// <summary>Its place in the queue's heap; -1 when it is not there. The queue's alone.</summary>
    internal int HeapIndex { get; set; } = -1;

    /// <summary>When, in the queue's milliseconds. The queue's alone.</summary>
    internal long DueAt { get; set; }

    /// <summary>Whether it must not enter the queue any more. The queue's alone.</summary>
    internal bool IsOver { get; set; }
}

/// <summary>
/// All deadlines of a bus in one heap behind one timer. The timer is armed anew only for an earlier deadline than it
/// is armed for: requests that come and go cost it nothing, and it rests when nothing is due.
/// </summary>
/// <param name="clock">The time in milliseconds.</param>
/// <param name="arm">Asks for a call of <see cref="Fire"/> in that many milliseconds, in place of any earlier wish.</param>
/// <param name="expired">Gets what is due, outside the queue's lock.</param>
internal sealed class DeadlineQueue(Func<long> clock, Action<long> arm, Action<Deadline> expired)
{
    private readonly object _gate = new();
    private readonly List<Deadline> _heap = [];
    private long _armedFor = long.MaxValue;

    public int Count
    {
        get
        {
            lock (_gate)
                return _heap.Count;
        }
    }

    /// <summary>Adds one; nothing happens when it is over already.</summary>
    public void Add(Deadline deadline, long dueAt)
    {
        lock (_gate)
        {
            if (deadline.IsOver || deadline.HeapIndex >= 0)
                return;
            deadline.DueAt = dueAt;
            deadline.HeapIndex = _heap.Count;
            _heap.Add(deadline);
            SiftUp(deadline.HeapIndex);
            ArmForFirst();
        }
    }

    /// <summary>Takes one out for good.</summary>
    public void End(Deadline deadline)
    {
        lock (_gate)
        {
            deadline.IsOver = true;
            if (deadline.HeapIndex >= 0)
                TakeOut(deadline.HeapIndex);
        }
    }

    /// <summary>Hands out what is due and arms the timer for the next.</summary>
    public void Fire()
    {
        var due = new List<Deadline>();
        lock (_gate)
        {
            _armedFor = long.MaxValue;
            long now = clock();
            while (_heap.Count > 0 && _heap[0].DueAt <= now)
            {
                due.Add(_heap[0]);
                TakeOut(0);
            }

            ArmForFirst();
        }

        foreach (Deadline deadline in due)
            expired(deadline);
    }

    private void ArmForFirst()
    {
        if (_heap.Count == 0 || _heap[0].DueAt >= _armedFor)
            return;
        _armedFor = _heap[0].DueAt;
        arm(Math.Max(0, _armedFor - clock()));
    }

    private void TakeOut(int index)
    {
        _heap[index].HeapIndex = -1;
        Deadline last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (index == _heap.Count)
            return;
        _heap[index] = last;
        last.HeapIndex = index;
        SiftDown(index);
        SiftUp(index);
    }

    private void SiftUp(int index)
    {
        Deadline moved = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].DueAt <= moved.DueAt)
                break;
            Put(_heap[parent], index);
            index = parent;
        }

        Put(moved, index);
    }

    private void SiftDown(int index)
    {
        Deadline moved = _heap[index];
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= _heap.Count)
                break;
            if (child + 1 < _heap.Count && _heap[child + 1].DueAt < _heap[child].DueAt)
                child++;
            if (moved.DueAt <= _heap[child].DueAt)
                break;
            Put(_heap[child], index);
            index = child;
        }

        Put(moved, index);
    }

    private void Put(Deadline deadline, int index)
    {
        _heap[index] = deadline;
        deadline.HeapIndex = index;
    }
}
