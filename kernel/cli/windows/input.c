/* input.c: standard input, read by a thread one block ahead. */
#include <errno.h>
#include <string.h>

#include "console.h"
#include "news.h"
#include "process.h"
#include "stream.h"

enum { BLOCK = 64 * 1024 };

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE emptied = CONDITION_VARIABLE_INIT;
static struct {
    bool begun, ended;
    int error; /* an errno */
    size_t at, len;
    char block[BLOCK];
} input;

static bool is_end(DWORD error) {
    return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF || error == ERROR_NO_DATA ||
           error == ERROR_PIPE_NOT_CONNECTED;
}

/* Into the block, which nobody looks at while it is empty. */
static void read_block(HANDLE file, bool console) {
    DWORD len = 0;
    bool ok = console ? sbd_console_read(file, input.block, BLOCK, &len)
                      : ReadFile(file, input.block, BLOCK, &len, NULL) != 0;
    DWORD error = ok ? 0 : GetLastError();
    if (!ok && error == ERROR_OPERATION_ABORTED) /* Ctrl+C ends a read from a console */
        return;
    AcquireSRWLockExclusive(&lock);
    input.at = 0;
    input.len = len;
    input.ended = len == 0 && (ok || is_end(error));
    input.error = !ok && !input.ended ? EIO : 0;
    ReleaseSRWLockExclusive(&lock);
}

static DWORD WINAPI read_all(void *file) {
    bool console = sbd_console_is(file), more = true;
    while (more) {
        read_block(file, console);
        sbd_news_tell();
        AcquireSRWLockExclusive(&lock);
        while (input.len > 0)
            SleepConditionVariableSRW(&emptied, &lock, INFINITE, 0);
        more = !input.ended && !input.error;
        ReleaseSRWLockExclusive(&lock);
    }
    return 0;
}

void sbd_input_begin(void) {
    if (input.begun)
        return;
    input.begun = true;
    HANDLE thread = CreateThread(NULL, 0, read_all, GetStdHandle(STD_INPUT_HANDLE), 0, NULL);
    if (thread)
        CloseHandle(thread); /* it ends with the process */
    else
        input.error = ENOMEM;
}

bool sbd_input_is_ready(void) {
    AcquireSRWLockShared(&lock);
    bool ready = input.len > 0 || input.ended || input.error;
    ReleaseSRWLockShared(&lock);
    return ready;
}

ptrdiff_t sbd_input_read(void *into, size_t room) {
    ptrdiff_t n = -1;
    AcquireSRWLockExclusive(&lock);
    if (input.len > 0) {
        size_t len = room < input.len ? room : input.len;
        memcpy(into, input.block + input.at, len);
        input.at += len;
        input.len -= len;
        n = (ptrdiff_t)len;
    } else if (input.ended) {
        n = 0;
    } else {
        errno = input.error ? input.error : EAGAIN;
    }
    ReleaseSRWLockExclusive(&lock);
    WakeConditionVariable(&emptied);
    return n;
}
