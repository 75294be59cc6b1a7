using System.Management.Automation;
using StdioBus.Module.Pipeline;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class TimeTests
{
    public static TheoryData<object, double> Times => new()
    {
        { 30, 30 },
        { "30", 30 },
        { 0.5, 0.5 },
        { "0.5", 0.5 },
        { 2.5m, 2.5 },
        { TimeSpan.FromMinutes(2), 120 },
        { "00:01:30", 90 },
    };

    [Theory]
    [MemberData(nameof(Times))]
    public void A_time_is_a_time_span_or_a_number_of_seconds(object value, double seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), BusTimeAttribute.Read(value));
        Assert.Equal(TimeSpan.FromSeconds(seconds), BusTimeAttribute.Read(PSObject.AsPSObject(value)));
    }

    public static TheoryData<object> NoLimits => [0, "0", 0.0, "Infinite", "infinite", TimeSpan.Zero, Timeout.InfiniteTimeSpan];

    [Theory]
    [MemberData(nameof(NoLimits))]
    public void Zero_and_infinite_mean_none(object value) => Assert.Equal(Timeout.InfiniteTimeSpan, BusTimeAttribute.Read(value));

    public static TheoryData<object> NoTimes =>
        [-1, "-1", "soon", "", double.NaN, double.PositiveInfinity, 1e12, TimeSpan.FromSeconds(-1), TimeSpan.MaxValue, true, new object()];

    [Theory]
    [MemberData(nameof(NoTimes))]
    public void Anything_else_is_refused_with_what_was_expected(object value)
    {
        string message = Assert.Throws<ArgumentTransformationMetadataException>(() => BusTimeAttribute.Read(value)).Message;
        Assert.Contains("expected a TimeSpan or a number of seconds", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hashtable_of_limits_takes_times_in_the_same_way()
    {
        using var runspace = new TestRunspace();
        runspace.Run("$bus = Start-Kit -With @{ Limit = @{ DrainTimeout = 2.5; max_restarts = 0; MaxInputBuffer = 1MB }; Timeout = 'Infinite' }");
        var bus = Assert.IsType<Bus>(runspace.RunOne("$bus"));
        Assert.True(bus.Timeout is null || bus.Timeout == Timeout.InfiniteTimeSpan);
        runspace.RunWithErrors("Invoke-BusRequest echo @{ text = 'x' * 2MB }").OnlyError("BusResourceExhausted");
    }
}
