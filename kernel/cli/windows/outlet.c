/* outlet.c: standard output and error, each written by a thread that is given one block at a
 * time. */
#include "outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "news.h"
#include "process.h"
#include "stream.h"

enum {
    BLOCK = 64 * 1024,
    FINISH_MS = 1000 /* for a reader at the end of the program */
};

typedef struct writer {
    HANDLE file, thread;
    bool console;
    SRWLOCK lock;
    CONDITION_VARIABLE given, done;
    bool busy, quit; /* busy: the block belongs to the thread */
    int error;       /* an errno */
    size_t len;      /* of the block; once it is written and not yet taken note of */
    char block[BLOCK];
} writer;

/* By descriptor, for whoever waits. */
static writer *writers[SBD_STDERR + 1];

static bool write_block(writer *w) {
    for (size_t at = 0; at < w->len;) {
        DWORD n = 0, len = (DWORD)(w->len - at);
        bool ok = w->console ? sbd_console_write(w->file, w->block + at, len, &n)
                             : WriteFile(w->file, w->block + at, len, &n, NULL) != 0;
        if (!ok)
            return false;
        at += n;
    }
    return true;
}

static DWORD WINAPI write_all(void *argument) {
    writer *w = argument;
    AcquireSRWLockExclusive(&w->lock);
    while (!w->quit) {
        if (!w->busy) {
            SleepConditionVariableSRW(&w->given, &w->lock, INFINITE, 0);
            continue;
        }
        ReleaseSRWLockExclusive(&w->lock);
        bool ok = write_block(w);
        DWORD error = ok ? 0 : GetLastError();
        AcquireSRWLockExclusive(&w->lock);
        w->busy = false;
        if (!ok)
            w->error = error == ERROR_BROKEN_PIPE || error == ERROR_NO_DATA ? EPIPE : EIO;
        WakeConditionVariable(&w->done);
        ReleaseSRWLockExclusive(&w->lock);
        sbd_news_tell();
        AcquireSRWLockExclusive(&w->lock);
    }
    ReleaseSRWLockExclusive(&w->lock);
    return 0;
}

static HANDLE standard(int fd) {
    return GetStdHandle(fd == SBD_STDOUT ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
}

void sbd_outlet_open(sbd_outlet *o, int fd) {
    memset(o, 0, sizeof *o);
    o->fd = fd;
    writer *w = calloc(1, sizeof *w);
    if (!w) {
        o->error = ENOMEM;
        return;
    }
    w->file = standard(fd);
    w->console = sbd_console_is(w->file);
    InitializeSRWLock(&w->lock);
    InitializeConditionVariable(&w->given);
    InitializeConditionVariable(&w->done);
    w->thread = CreateThread(NULL, 0, write_all, w, 0, NULL);
    if (!w->thread) {
        o->error = ENOMEM;
        free(w);
        return;
    }
    o->writer = w;
    writers[fd] = w;
}

/* A thread that is stuck at a reader who does not read is left to the end of the process, and so is
 * what it works with. */
void sbd_outlet_close(sbd_outlet *o) {
    writer *w = o->writer;
    if (w) {
        writers[o->fd] = NULL;
        AcquireSRWLockExclusive(&w->lock);
        w->quit = true;
        bool stuck = w->busy;
        ReleaseSRWLockExclusive(&w->lock);
        WakeConditionVariable(&w->given);
        if (!stuck) {
            WaitForSingleObject(w->thread, INFINITE);
            CloseHandle(w->thread);
            free(w);
        }
    }
    free(o->buf);
    memset(o, 0, sizeof *o);
    o->fd = -1;
}

/* Called with the lock. */
static void take_note(sbd_outlet *o, writer *w) {
    if (w->error)
        o->error = w->error;
    else
        sbd_outlet_consume(o, w->len);
    w->len = 0;
}

void sbd_outlet_flush(sbd_outlet *o) {
    writer *w = o->writer;
    if (!w || o->error)
        return;
    AcquireSRWLockExclusive(&w->lock);
    if (!w->busy) {
        take_note(o, w);
        size_t waiting = o->error ? 0 : sbd_outlet_waiting(o);
        if (waiting > 0) {
            w->len = waiting < BLOCK ? waiting : BLOCK;
            memcpy(w->block, o->buf + o->start, w->len);
            w->busy = true;
        }
    }
    ReleaseSRWLockExclusive(&w->lock);
    WakeConditionVariable(&w->given);
}

void sbd_outlet_finish(sbd_outlet *o) {
    writer *w = o->writer;
    ULONGLONG end = GetTickCount64() + FINISH_MS;
    for (ULONGLONG now = 0; w && now < end; now = GetTickCount64()) {
        sbd_outlet_flush(o);
        if (o->error || sbd_outlet_waiting(o) == 0)
            return;
        AcquireSRWLockExclusive(&w->lock);
        if (w->busy)
            SleepConditionVariableSRW(&w->done, &w->lock, FINISH_MS, 0);
        ReleaseSRWLockExclusive(&w->lock);
    }
}

bool sbd_outlet_is_ready(int fd) {
    writer *w = writers[fd];
    if (!w)
        return false;
    AcquireSRWLockShared(&w->lock);
    bool ready = !w->busy;
    ReleaseSRWLockShared(&w->lock);
    return ready;
}
