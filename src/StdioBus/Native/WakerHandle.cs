using Microsoft.Win32.SafeHandles;

namespace StdioBus;

/// <summary>
/// A reference to the waker of a kernel, the only thing of it that any thread may use. It outlives its bus: a wake
/// that comes late, or after <see cref="System.Runtime.InteropServices.SafeHandle.Dispose()"/>, does nothing.
/// </summary>
internal sealed unsafe class WakerHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly KernelApi _api;

    public WakerHandle(KernelApi api, nint waker)
        : base(ownsHandle: true)
    {
        _api = api;
        SetHandle(waker);
    }

    public void Wake()
    {
        bool added = false;
        try
        {
            DangerousAddRef(ref added);
            _api.WakerWake(handle);
        }
        catch (ObjectDisposedException)
        {
            // The loop is over: nobody is left to be woken.
        }
        finally
        {
            if (added)
                DangerousRelease();
        }
    }

    protected override bool ReleaseHandle()
    {
        _api.WakerRelease(handle);
        return true;
    }
}
