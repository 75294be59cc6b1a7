/* windows_pipe.c: pipes between us and a child. An anonymous pipe knows no overlapped operations,
 * so these are named ones of which only our end is overlapped: a child's runtime expects ordinary
 * handles. */
#include <stdio.h>

#include "windows.h"

enum { QUOTA = 64 * 1024 }; /* what the system holds for a reader that is late */

/* Nobody else can be at the other end: the name is made up, ours is its first instance and only
 * one, and whoever would open it before us makes the second step fail. */
static int open_pair(DWORD direction, DWORD their_access, HANDLE *ours, HANDLE *theirs) {
    wchar_t name[64];
    *ours = *theirs = INVALID_HANDLE_VALUE;
    swprintf(name, 64, L"\\\\.\\pipe\\stdio_bus.%lx.%016llx", GetCurrentProcessId(),
             (unsigned long long)sb_random());
    *ours = CreateNamedPipeW(name, direction | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                             PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1,
                             QUOTA, QUOTA, 0, NULL);
    if (*ours == INVALID_HANDLE_VALUE)
        return (int)GetLastError();
    *theirs = CreateFileW(name, their_access, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (*theirs != INVALID_HANDLE_VALUE)
        return 0;
    int error = (int)GetLastError();
    CloseHandle(*ours);
    *ours = INVALID_HANDLE_VALUE;
    return error;
}

/* The attributes are for runtimes that ask what kind of pipe they were given. */
int sb_pipe_to_child(HANDLE *ours, HANDLE *theirs) {
    return open_pair(PIPE_ACCESS_OUTBOUND, GENERIC_READ | FILE_WRITE_ATTRIBUTES, ours, theirs);
}

int sb_pipe_from_child(HANDLE *ours, HANDLE *theirs) {
    return open_pair(PIPE_ACCESS_INBOUND, GENERIC_WRITE | FILE_READ_ATTRIBUTES, ours, theirs);
}
