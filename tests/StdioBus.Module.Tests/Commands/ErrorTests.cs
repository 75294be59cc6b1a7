using System.Management.Automation;
using StdioBus.Module.Pipeline;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

[Trait("Covers", "A8")]
public sealed class ErrorTests
{
    public static TheoryData<StdioBusException, string, ErrorCategory> Known => new()
    {
        { new BusInvalidArgumentException("m"), "BusInvalidArgument", ErrorCategory.InvalidArgument },
        { new BusInvalidStateException("m"), "BusInvalidState", ErrorCategory.InvalidOperation },
        { new BusTimeoutException("m"), "BusTimeout", ErrorCategory.OperationTimeout },
        { new BusCancelledException("m"), "BusCancelled", ErrorCategory.OperationStopped },
        { new BusTransportException("m"), "BusTransportError", ErrorCategory.ConnectionError },
        { new BusNegotiationException("m"), "BusNegotiationFailed", ErrorCategory.ProtocolError },
        { new BusPolicyException("m"), "BusPolicyDenied", ErrorCategory.PermissionDenied },
        { new BusUnavailableException("m"), "BusUnavailable", ErrorCategory.ResourceUnavailable },
        { new BusResourceException("m"), "BusResourceExhausted", ErrorCategory.LimitsExceeded },
        { new BusNotSupportedException("m"), "BusNotSupported", ErrorCategory.NotImplemented },
        { new BusInternalException("m"), "BusInternal", ErrorCategory.NotSpecified },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void Every_code_has_its_id_its_category_and_an_action_wherever_it_comes_from(StdioBusException error, string id, ErrorCategory category)
    {
        object target = new();
        ErrorRecord record = BusErrors.From(error, target);
        Assert.Equal((id, category, "m"), (record.FullyQualifiedErrorId, record.CategoryInfo.Category, record.ToString()));
        Assert.Same(error, record.Exception);
        Assert.Same(target, record.TargetObject);
        Assert.NotEmpty(record.ErrorDetails.RecommendedAction);
        ErrorRecord atStart = BusErrors.CannotStart(error, target);
        Assert.Equal(id, atStart.FullyQualifiedErrorId);
        Assert.Same(target, atStart.TargetObject);
        Assert.NotEmpty(atStart.ErrorDetails.RecommendedAction);
    }

    [Fact]
    public void Every_code_is_in_the_table_above() =>
        Assert.Equal(Enum.GetValues<BusErrorCode>(), Known.Select(row => row.Data.Item1.Code));

    [Fact]
    public void What_nobody_foresaw_is_a_fault_of_the_module()
    {
        var error = new InvalidOperationException("odd");
        ErrorRecord record = BusErrors.From(error, "x");
        Assert.Equal(("BusInternal", "InvalidOperationException: odd"), (record.FullyQualifiedErrorId, record.ToString()));
        Assert.Same(error, record.Exception.InnerException);
    }
}
