using System.Runtime.InteropServices;

namespace StdioBus;

// The structs of stdio_bus_embed.h and stdio_bus.h, member by member. Their names follow the headers'.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelListener
{
    public int Mode;
    public byte* TcpHost;
    public ushort TcpPort;
    public byte* UnixPath;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelOptions
{
    public byte* ConfigPath;
    public byte* ConfigJson;
    public KernelListener Listener;
    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, nint, void> OnMessage;
    public delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> OnError;
    public delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> OnLog;
    public delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> OnWorker;
    public nint OnClientConnect;
    public nint OnClientDisconnect;
    public nint UserData;
    public int LogLevel;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KernelStats
{
    public ulong MessagesIn;
    public ulong MessagesOut;
    public ulong BytesIn;
    public ulong BytesOut;
    public ulong WorkerRestarts;
    public ulong RoutingErrors;
    public ulong ClientConnects;
    public ulong ClientDisconnects;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelRoute
{
    public const uint FlagVerbatim = 1;

    public nuint Size;
    public byte* Pool;
    public byte* Session;
    public int WorkerId;
    public uint Flags;
    public ulong Cookie;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelMessage
{
    public nuint Size;
    public byte* Data;
    public nuint Length;
    public int Kind;
    public int WorkerId;
    public byte* Pool;
    public byte* Session;
    public ulong Cookie;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KernelCounters
{
    public nuint Size;
    public ulong LateReplies;
    public ulong InvalidLines;
    public ulong DroppedNotifications;
    public ulong Requeued;
    public ulong SessionsEvicted;
    public ulong Backpressure;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelWorkerInfo
{
    public nuint Size;
    public int Id;
    public byte* Pool;
    public long ProcessId;
    public int State;
    public long StartedAtMs;
    public ulong Restarts;
    public ulong Sessions;
    public ulong Pending;
    public ulong MessagesIn;
    public ulong MessagesOut;
    public ulong BytesIn;
    public ulong BytesOut;
    public ulong InvalidLines;
    public ulong QueuedBytes;
    public uint Paused;
    public int HasExited;
    public int LastExitCode;
    public int LastExitSignal;
    public byte* LastReason;
    public byte* StderrTail;
    public byte* Handshake;
}
