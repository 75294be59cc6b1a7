using System.Runtime.InteropServices;
using System.Text;

namespace StdioBus;

/// <content>What younger kernels of version 3 tell, too.</content>
internal sealed unsafe partial class KernelBus
{
    /// <summary>Whether the kernel tells when a request that was forgotten is over.</summary>
    public bool TellsSettled => _api.SetSettledHandler is not null;

    private void SetYoungerHandlers()
    {
        if (TellsSettled)
            _api.SetSettledHandler(_bus, &OnSettled, GCHandle.ToIntPtr(_self));
        if (_api.SetSkippedHandler is not null)
            _api.SetSkippedHandler(_bus, &OnSkipped, GCHandle.ToIntPtr(_self));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnSettled(nint bus, ulong cookie, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnSettled(cookie);
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void OnSkipped(nint bus, int workerId, byte* reason, byte* line, nuint length, nint user)
    {
        KernelBus self = From(user);
        try
        {
            self._events.OnSkipped(workerId, Text(reason) ?? "", Encoding.UTF8.GetString(line, (int)length));
        }
        catch (Exception error)
        {
            self._events.OnFault(error);
        }
    }
}
