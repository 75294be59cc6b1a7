// posix.h: the few POSIX names that tests of all systems use, for Windows. Included before every
// test there. Tests for which these are not enough stand in unsupported.txt.
#ifndef TESTS_WINDOWS_POSIX_H
#define TESTS_WINDOWS_POSIX_H

#ifdef __cplusplus

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#define NOMINMAX
#include <csignal>
#include <process.h>
#include <sys/types.h>
#include <winsock2.h>
//
#include <windows.h>
// Which the tests use as names of their own.
#undef ERROR
#undef SendMessage

constexpr int SIGKILL = 9, SIGUSR1 = 10, SIGCONT = 18, SIGSTOP = 19;

// There is one way to end a process here, and no way to stop or ask it.
inline int kill(pid_t pid, int number) {
    HANDLE process = number == SIGKILL
                         ? OpenProcess(PROCESS_TERMINATE, FALSE, static_cast<DWORD>(pid))
                         : nullptr;
    bool ended = process && TerminateProcess(process, 9);
    if (process)
        CloseHandle(process);
    return ended ? 0 : -1;
}

#endif

#endif
