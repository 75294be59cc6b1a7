namespace StdioBus.Tests;

/// <summary>All deadlines behind one timer, on a clock that the test moves.</summary>
public sealed class DeadlineQueueTests
{
    private readonly List<Moment> _expired = [];
    private readonly List<long> _armed = [];
    private readonly DeadlineQueue _queue;
    private long _now;

    public DeadlineQueueTests()
    {
        _queue = new DeadlineQueue(() => _now, _armed.Add, deadline => _expired.Add((Moment)deadline));
    }

    [Fact(DisplayName = "Deadlines expire in their order, when their time has come")]
    public void Deadlines_expire_in_order()
    {
        var random = new Random(1);
        Moment[] moments = [.. Enumerable.Range(0, 1000).Select(_ => new Moment(random.Next(1, 10_000)))];
        foreach (Moment moment in moments)
            _queue.Add(moment, moment.At);
        foreach (Moment moment in moments.Where((_, i) => i % 3 == 0))
            _queue.End(moment);
        for (_now = 0; _now <= 10_000; _now += 100)
        {
            _queue.Fire();
            Assert.All(_expired, moment => Assert.True(moment.At <= _now));
        }

        Assert.Equal(moments.Where((_, i) => i % 3 != 0).Select(moment => moment.At).Order(), _expired.Select(moment => moment.At));
        Assert.Equal(0, _queue.Count);
    }

    [Fact(DisplayName = "Requests that come and go arm the timer once, and leave nothing")]
    public void The_timer_is_armed_once_for_requests_that_come_and_go()
    {
        for (int i = 0; i < 100_000; i++)
        {
            var moment = new Moment(30_000 + i);
            _queue.Add(moment, moment.At);
            _queue.End(moment);
        }

        Assert.Equal([30_000], _armed);
        Assert.Equal(0, _queue.Count);
        _now = 30_000;
        _queue.Fire();
        Assert.Single(_armed);
    }

    [Fact(DisplayName = "An earlier deadline arms the timer anew, and so does the next one after it fired")]
    public void An_earlier_deadline_arms_anew()
    {
        _queue.Add(new Moment(500), 500);
        _queue.Add(new Moment(900), 900);
        _queue.Add(new Moment(100), 100);
        Assert.Equal([500, 100], _armed);
        _now = 150;
        _queue.Fire();
        Assert.Equal([500, 100, 350], _armed);
    }

    [Fact(DisplayName = "What is over does not come back")]
    public void What_is_over_does_not_come_back()
    {
        var moment = new Moment(5);
        _queue.Add(moment, 5);
        _now = 5;
        _queue.Fire();
        _queue.End(moment);
        _queue.Add(moment, 6);
        Assert.Equal(0, _queue.Count);
    }

    private sealed class Moment(long at) : Deadline
    {
        public long At { get; } = at;
    }
}
