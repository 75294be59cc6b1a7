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
#include <direct.h>
#include <io.h>
#include <process.h>
#include <stdbool.h>
#include <stdio.h>
#include <windows.h>
/* */
#include <shellapi.h>

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

/* NULL for NULL; not freed. */
static inline char *to_utf8(const wchar_t *wide) {
    int len = wide ? WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL) : 0;
    char *utf8 = len > 0 ? malloc((size_t)len) : NULL;
    if (utf8)
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL, NULL);
    return utf8;
}

/* What main(), getenv() and getcwd() give has been through the code page. */
static inline char **utf8_arguments(int argc, char **argv) {
    int count;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    for (int i = 0; wide && i < argc && i < count; i++)
        argv[i] = to_utf8(wide[i]);
    return argv;
}

static inline const char *variable(const char *name) {
    wchar_t wide[256];
    MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, 256);
    return to_utf8(_wgetenv(wide));
}

static inline const char *current_folder(void) {
    wchar_t wide[1024];
    return to_utf8(_wgetcwd(wide, 1024));
}

/* The C library would take a carriage return off and Ctrl+Z for the end. */
static inline void begin_life(void) {
    for (int fd = 0; fd <= 2; fd++)
        _setmode(fd, _O_BINARY);
    CloseHandle(CreateThread(NULL, 0, end_of_life, NULL, 0, NULL));
}

/* There are no signals here to die by or to wait for. */
static inline void die_by(int signal) {
    TerminateProcess(GetCurrentProcess(), (UINT)(128 + signal));
}

static inline void hold_usr1(void) {
}

static inline void wait_for_usr1(void) {
    Sleep(INFINITE);
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

static inline char **utf8_arguments(int argc, char **argv) {
    (void)argc;
    return argv;
}

static inline const char *variable(const char *name) {
    return getenv(name);
}

static inline const char *current_folder(void) {
    static char folder[4096];
    return getcwd(folder, sizeof folder);
}

static inline void die_by(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

static inline void fill_usr1(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGUSR1);
}

static inline void hold_usr1(void) {
    sigset_t usr1;
    fill_usr1(&usr1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
}

static inline void wait_for_usr1(void) {
    sigset_t usr1;
    int got;
    fill_usr1(&usr1);
    sigwait(&usr1, &got);
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
