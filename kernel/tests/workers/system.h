/* system.h: what the test workers need of their system, on POSIX systems and on Windows. */
#ifndef WORKER_SYSTEM_H
#define WORKER_SYSTEM_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Nothing that a failed test left behind lives longer than this, in seconds. */
enum { LIFETIME = 300 };

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <io.h>
#include <process.h>
#include <stdbool.h>
#include <stdio.h>
#include <windows.h>

static inline void pause(void) {
    Sleep(INFINITE);
}

static inline char *strndup(const char *text, size_t len) {
    char *copy = calloc(len + 1, 1);
    return copy ? memcpy(copy, text, len) : NULL;
}

static DWORD WINAPI end_of_life(void *unused) {
    (void)unused;
    Sleep(LIFETIME * 1000);
    ExitProcess(14);
}

/* The C library would take a carriage return off and Ctrl+Z for the end. */
static inline void begin_life(void) {
    for (int fd = 0; fd <= 2; fd++)
        _setmode(fd, _O_BINARY);
    CloseHandle(CreateThread(NULL, 0, end_of_life, NULL, 0, NULL));
}

/* It inherits everything, as a careless program's children do. */
static inline long start_grandchild(long ignores_term, long new_session) {
    wchar_t file[1024], line[1100];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    DWORD flags =
        (ignores_term ? CREATE_NEW_PROCESS_GROUP : 0) | (new_session ? DETACHED_PROCESS : 0);
    GetModuleFileNameW(NULL, file, 1024);
    swprintf(line, 1100, L"\"%ls\" --wait", file);
    if (!CreateProcessW(file, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &made))
        abort();
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
    return (long)made.dwProcessId;
}

#else

#include <dirent.h>
#include <unistd.h>

static inline void begin_life(void) {
    alarm(LIFETIME);
}

static inline long start_grandchild(long ignores_term, long new_session) {
    int ready[2];
    if (pipe(ready) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        alarm(LIFETIME);
        if (ignores_term)
            signal(SIGTERM, SIG_IGN);
        if (new_session)
            setsid();
        if (write(ready[1], "r", 1) != 1)
            abort();
        for (;;)
            pause();
    }
    char byte;
    if (read(ready[0], &byte, 1) != 1)
        abort();
    close(ready[0]);
    close(ready[1]);
    return pid;
}

#endif

#endif
