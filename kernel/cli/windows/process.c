/* process.c: see process.h. */
#define WIN32_LEAN_AND_MEAN
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
/* */
#include <shellapi.h>

#include "console.h"

static bool has_left;

static char *to_utf8(const wchar_t *wide) {
    int len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *utf8 = len > 0 ? malloc((size_t)len) : NULL;
    if (utf8)
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL, NULL);
    return utf8;
}

/* What main() gets has been through the code page. These live as long as the process. */
static bool read_arguments(int *argc, char ***argv) {
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **utf8 = wide ? calloc((size_t)count + 1, sizeof *utf8) : NULL;
    bool ok = utf8 != NULL;
    for (int i = 0; ok && i < count; i++) {
        utf8[i] = to_utf8(wide[i]);
        ok = utf8[i] != NULL;
    }
    LocalFree(wide);
    *argc = count;
    *argv = utf8;
    return ok;
}

/* A process without a console may have been given none of the three. */
static bool open_stream(DWORD which) {
    HANDLE handle = GetStdHandle(which);
    if (handle && handle != INVALID_HANDLE_VALUE)
        return true;
    handle = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                         NULL, OPEN_EXISTING, 0, NULL);
    return handle != INVALID_HANDLE_VALUE && SetStdHandle(which, handle);
}

bool sbd_process_prepare(int *argc, char ***argv) {
    _setmode(SBD_STDOUT, _O_BINARY);
    _setmode(SBD_STDERR, _O_BINARY);
    return open_stream(STD_INPUT_HANDLE) && open_stream(STD_OUTPUT_HANDLE) &&
           open_stream(STD_ERROR_HANDLE) && read_arguments(argc, argv);
}

bool sbd_process_can_inherit_descriptors(void) {
    return false;
}

/* A console sends to all of its processes: signals.c sees to it that Ctrl+C is not heard. */
bool sbd_process_leave_group(void) {
    has_left = true;
    return true;
}

bool sbd_process_has_left_group(void) {
    return has_left;
}

/* A process cannot become another program here. */
void sbd_process_become(char **argv) {
    (void)argv;
    errno = ENOSYS;
}
