using System.Runtime.InteropServices;

namespace StdioBus;

/// <summary>
/// The entries of one loaded kernel library. A table of pointers rather than imports: several libraries may be loaded
/// side by side, and one that lacks the version 3 entries is told by its missing exports.
/// </summary>
internal sealed unsafe class KernelApi
{
    public readonly delegate* unmanaged[Cdecl]<KernelOptions*, nint> Create;
    public readonly delegate* unmanaged[Cdecl]<nint, int> Start;
    public readonly delegate* unmanaged[Cdecl]<nint, int, int> Step;
    public readonly delegate* unmanaged[Cdecl]<nint, int, int> Stop;
    public readonly delegate* unmanaged[Cdecl]<nint, void> Destroy;
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, int> Ingest;
    public readonly delegate* unmanaged[Cdecl]<nint, int> GetState;
    public readonly delegate* unmanaged[Cdecl]<nint, int> WorkerCount;
    public readonly delegate* unmanaged[Cdecl]<nint, int> SessionCount;
    public readonly delegate* unmanaged[Cdecl]<nint, int> PendingCount;
    public readonly delegate* unmanaged[Cdecl]<nint, int> ClientCount;
    public readonly delegate* unmanaged[Cdecl]<nint, KernelStats*, void> GetStats;

    // Version 3; null in a library that has version 2 only.
    public readonly delegate* unmanaged[Cdecl]<nint, nint> Waker;
    public readonly delegate* unmanaged[Cdecl]<nint, void> WakerWake;
    public readonly delegate* unmanaged[Cdecl]<nint, void> WakerRelease;
    public readonly delegate* unmanaged[Cdecl]<nint, KernelRoute*, byte*, nuint, int> Send;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, int> Forget;
    public readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, KernelMessage*, nint, void>, nint, void> SetMessageHandler;
    public readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, int, byte*, nuint, nint, void>, nint, void> SetStderrHandler;
    public readonly delegate* unmanaged[Cdecl]<nint, int, uint, int> PauseWorker;
    public readonly delegate* unmanaged[Cdecl]<nint, int, uint, int> ResumeWorker;
    public readonly delegate* unmanaged[Cdecl]<nint, int, int, int> RestartWorker;
    public readonly delegate* unmanaged[Cdecl]<nint, int, int, int> StopWorker;
    public readonly delegate* unmanaged[Cdecl]<nint, int> WorkerTotal;
    public readonly delegate* unmanaged[Cdecl]<nint, int, KernelWorkerInfo*, int> WorkerAt;
    public readonly delegate* unmanaged[Cdecl]<nint, KernelCounters*, void> GetCounters;
    public readonly delegate* unmanaged[Cdecl]<nint, byte*> ListenEndpoint;

    // Of version 3, but younger than its first libraries; null when absent.
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, int> PendingWorker;
    public readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, ulong, nint, void>, nint, void> SetSettledHandler;
    public readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, nuint, nint, void>, nint, void> SetSkippedHandler;
    public readonly delegate* unmanaged[Cdecl]<nint, int, int> StepLent;
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, int> SetGuard;
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, int> SetAccessToken;

    public KernelApi(nint library, string path)
    {
        Path = path;
        Create = (delegate* unmanaged[Cdecl]<KernelOptions*, nint>)Required("create");
        Start = (delegate* unmanaged[Cdecl]<nint, int>)Required("start");
        Step = (delegate* unmanaged[Cdecl]<nint, int, int>)Required("step");
        Stop = (delegate* unmanaged[Cdecl]<nint, int, int>)Required("stop");
        Destroy = (delegate* unmanaged[Cdecl]<nint, void>)Required("destroy");
        Ingest = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, int>)Required("ingest");
        GetState = (delegate* unmanaged[Cdecl]<nint, int>)Required("get_state");
        WorkerCount = (delegate* unmanaged[Cdecl]<nint, int>)Required("worker_count");
        SessionCount = (delegate* unmanaged[Cdecl]<nint, int>)Required("session_count");
        PendingCount = (delegate* unmanaged[Cdecl]<nint, int>)Required("pending_count");
        ClientCount = (delegate* unmanaged[Cdecl]<nint, int>)Required("client_count");
        GetStats = (delegate* unmanaged[Cdecl]<nint, KernelStats*, void>)Required("get_stats");
        var version = (delegate* unmanaged[Cdecl]<int>)Optional("api_version");
        IsVersion3 = version is not null && version() >= 3;
        if (!IsVersion3)
            return;
        Waker = (delegate* unmanaged[Cdecl]<nint, nint>)Required("waker");
        WakerWake = (delegate* unmanaged[Cdecl]<nint, void>)Required("waker_wake");
        WakerRelease = (delegate* unmanaged[Cdecl]<nint, void>)Required("waker_release");
        Send = (delegate* unmanaged[Cdecl]<nint, KernelRoute*, byte*, nuint, int>)Required("send");
        Forget = (delegate* unmanaged[Cdecl]<nint, ulong, int>)Required("forget");
        SetMessageHandler = (delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, KernelMessage*, nint, void>, nint, void>)Required("set_message_handler");
        SetStderrHandler = (delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, int, byte*, nuint, nint, void>, nint, void>)Required("set_stderr_handler");
        PauseWorker = (delegate* unmanaged[Cdecl]<nint, int, uint, int>)Required("pause_worker");
        ResumeWorker = (delegate* unmanaged[Cdecl]<nint, int, uint, int>)Required("resume_worker");
        RestartWorker = (delegate* unmanaged[Cdecl]<nint, int, int, int>)Required("restart_worker");
        StopWorker = (delegate* unmanaged[Cdecl]<nint, int, int, int>)Required("stop_worker");
        WorkerTotal = (delegate* unmanaged[Cdecl]<nint, int>)Required("worker_total");
        WorkerAt = (delegate* unmanaged[Cdecl]<nint, int, KernelWorkerInfo*, int>)Required("worker_at");
        GetCounters = (delegate* unmanaged[Cdecl]<nint, KernelCounters*, void>)Required("get_counters");
        ListenEndpoint = (delegate* unmanaged[Cdecl]<nint, byte*>)Required("listen_endpoint");
        PendingWorker = (delegate* unmanaged[Cdecl]<nint, ulong, int>)Optional("pending_worker");
        SetSettledHandler = (delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, ulong, nint, void>, nint, void>)Optional("set_settled_handler");
        SetSkippedHandler = (delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, nuint, nint, void>, nint, void>)Optional("set_skipped_handler");
        StepLent = (delegate* unmanaged[Cdecl]<nint, int, int>)Optional("step_lent");
        SetGuard = (delegate* unmanaged[Cdecl]<nint, byte*, int>)Optional("set_guard");
        SetAccessToken = (delegate* unmanaged[Cdecl]<nint, byte*, int>)Optional("set_access_token");

        nint Required(string name) => NativeLibrary.GetExport(library, "stdio_bus_" + name);
        nint Optional(string name) => NativeLibrary.TryGetExport(library, "stdio_bus_" + name, out nint entry) ? entry : 0;
    }

    /// <summary>The library's file.</summary>
    public string Path { get; }

    /// <summary>Whether it has the version 3 entries.</summary>
    public bool IsVersion3 { get; }
}
