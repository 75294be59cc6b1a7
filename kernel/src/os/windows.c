/* windows.c: the poller, a completion port; wake-up, clock, chance, words. */
#define _CRT_RAND_S
#include "windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PACKETS = 64,
    KEY_OPERATION = 0,
    KEY_WAKE = 1,
    FLUSH_MS = 1000,  /* what was written before the end may take so long to be read */
    CANCEL_MS = 5000, /* a cancelled operation completes at once, unless a driver is broken */
};

struct sb_poller {
    HANDLE completions;
    int64_t alarm; /* -1: none */
    bool woken;
    sb_link ready;  /* watched ports with something to report */
    sb_link closed; /* ports that wait for the last of their operations */
};

/* --- Ports ----------------------------------------------------------------------------------- */

void sb_port_init(sb_port *port, const sb_port_class *class) {
    memset(port, 0, sizeof *port);
    port->class = class;
    sb_list_init(&port->ready_link);
    sb_list_init(&port->closed_link);
}

void sb_port_give(sb_port *port, sb_source *s) {
    *s = SB_SOURCE_CLOSED;
    s->port = port;
    s->handle = (intptr_t)port;
}

void sb_operation_begin(sb_operation *op, sb_port *port, HANDLE handle) {
    memset(&op->overlapped, 0, sizeof op->overlapped);
    op->port = port;
    op->handle = handle;
    op->pending = true;
    port->pending++;
}

void sb_operation_withdraw(sb_operation *op) {
    op->pending = false;
    op->port->pending--;
}

/* A hang-up is told beside whatever is watched; the rest only when it is watched. */
static unsigned reportable(const sb_port *port) {
    if (!port->interest)
        return 0;
    unsigned ready = port->class->ready(port);
    unsigned told = ready & (port->interest | SB_HANGUP);
    return told & SB_HANGUP ? told | SB_READ : told;
}

void sb_port_changed(sb_port *port) {
    if (!port->poller)
        return;
    bool listed = !sb_list_is_empty(&port->ready_link);
    bool ready = port->source && reportable(port);
    if (ready && !listed)
        sb_list_append(&port->poller->ready, &port->ready_link);
    else if (!ready && listed)
        sb_list_remove(&port->ready_link);
}

static void release(sb_port *port) {
    sb_list_remove(&port->ready_link);
    sb_list_remove(&port->closed_link);
    port->class->release(port);
}

int sb_poller_watch(sb_poller *p, sb_source *s, unsigned interest) {
    if (!sb_source_is_open(s))
        return 0;
    sb_port *port = sb_port_of(s);
    if (!port->poller) {
        if (!interest)
            return 0;
        port->poller = p;
        int error = port->class->join(port);
        if (error) {
            port->poller = NULL;
            return error;
        }
    }
    port->source = s; /* the kernel moves sources before it watches them */
    s->interest = (uint8_t)interest;
    port->interest = interest;
    if (interest & SB_READ)
        port->class->begin(port);
    sb_port_changed(port);
    return 0;
}

void sb_source_close(sb_poller *p, sb_source *s) {
    (void)p;
    if (!sb_source_is_open(s))
        return;
    sb_port *port = sb_port_of(s);
    *s = SB_SOURCE_CLOSED;
    port->source = NULL;
    port->interest = 0;
    sb_list_remove(&port->ready_link);
    if (port->poller) {
        sb_list_append(&port->poller->closed, &port->closed_link);
        port->class->cancel(port, false);
        if (port->pending) { /* the other end should see the end now, not at the next wait */
            sb_poller_collect(port->poller);
            return;
        }
    }
    release(port);
}

/* --- Completions ------------------------------------------------------------------------------ */

static void take(sb_poller *p, const OVERLAPPED_ENTRY *entry) {
    if (entry->lpCompletionKey == KEY_WAKE) {
        p->woken = true;
        return;
    }
    sb_operation *op = (sb_operation *)(void *)entry->lpOverlapped;
    sb_port *port = op->port;
    DWORD bytes = 0, error = 0;
    if (op->handle && !GetOverlappedResult(op->handle, &op->overlapped, &bytes, FALSE))
        error = GetLastError();
    sb_operation_withdraw(op);
    if (port->source) {
        port->class->complete(op, error, bytes);
        sb_port_changed(port);
    } else if (!port->pending && !sb_list_is_empty(&port->closed_link)) {
        release(port);
    }
}

/* Number of completions taken, or a negative error number. */
static int take_packets(sb_poller *p, DWORD timeout) {
    OVERLAPPED_ENTRY entries[PACKETS];
    ULONG count = 0;
    if (!GetQueuedCompletionStatusEx(p->completions, entries, PACKETS, &count, timeout, FALSE)) {
        DWORD error = GetLastError();
        return error == WAIT_TIMEOUT ? 0 : -(int)error;
    }
    for (ULONG i = 0; i < count; i++)
        take(p, &entries[i]);
    return (int)count;
}

void sb_poller_collect(sb_poller *p) {
    while (take_packets(p, 0) > 0)
        continue;
}

HANDLE sb_poller_completions(const sb_poller *p) {
    return p->completions;
}

/* --- The poller ---------------------------------------------------------------------------------
 */

int sb_poller_open(sb_poller **out) {
    WSADATA data;
    int error = WSAStartup(MAKEWORD(2, 2), &data);
    if (error)
        return error;
    sb_poller *p = calloc(1, sizeof *p);
    if (!p) {
        WSACleanup();
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    p->completions = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    p->alarm = -1;
    sb_list_init(&p->ready);
    sb_list_init(&p->closed);
    if (!p->completions) {
        error = (int)GetLastError();
        free(p);
        WSACleanup();
        return error;
    }
    *out = p;
    return 0;
}

/* Until every closed port is gone; false when the time is up. */
static bool drain_closed(sb_poller *p, int timeout_ms) {
    int64_t end = sb_clock_ms() + timeout_ms;
    while (!sb_list_is_empty(&p->closed)) {
        int64_t left = end - sb_clock_ms();
        if (left <= 0 || take_packets(p, (DWORD)left) < 0)
            return false;
    }
    return true;
}

/* What was written is in a buffer of ours until the other end has made room for it, as it would
 * be in the system's elsewhere: it gets a moment to go out. */
void sb_poller_close(sb_poller *p) {
    if (!p)
        return;
    if (!drain_closed(p, FLUSH_MS)) {
        for (sb_link *at = p->closed.next; at != &p->closed; at = at->next) {
            sb_port *port = SB_ENTRY(at, sb_port, closed_link);
            port->class->cancel(port, true);
        }
        /* What even then does not complete is left to the system: it may still write to it. */
        drain_closed(p, CANCEL_MS);
    }
    CloseHandle(p->completions);
    free(p);
    WSACleanup();
}

/* Completion ports cannot be waited for together with anything else. */
intptr_t sb_poller_handle(const sb_poller *p) {
    (void)p;
    return SB_NO_HANDLE;
}

void sb_poller_alarm(sb_poller *p, int64_t due_ms) {
    p->alarm = due_ms < 0 ? -1 : due_ms;
}

static int list_ready(sb_poller *p, sb_event *events, int room) {
    int count = 0;
    sb_link told;
    sb_list_init(&told);
    while (count < room && !sb_list_is_empty(&p->ready)) {
        sb_port *port = SB_ENTRY(p->ready.next, sb_port, ready_link);
        sb_list_remove(&port->ready_link);
        sb_list_append(&told, &port->ready_link);
        events[count].source = port->source;
        events[count].ready = reportable(port);
        count++;
    }
    while (!sb_list_is_empty(&told)) { /* those behind the room come first next time */
        sb_link *link = told.next;
        sb_list_remove(link);
        sb_list_append(&p->ready, link);
    }
    return count;
}

static bool alarm_is_due(sb_poller *p, int64_t now) {
    if (p->alarm < 0 || now < p->alarm)
        return false;
    p->alarm = -1;
    return true;
}

static DWORD how_long(int64_t ms) {
    return ms < 0x7FFFFFFF ? (DWORD)ms : 0x7FFFFFFF;
}

/* The system's waits may end a tick early, and completions may be of no interest to anybody: then
 * it goes on waiting. */
int sb_poller_wait(sb_poller *p, int timeout_ms, sb_event *events, int room) {
    int64_t end = timeout_ms < 0 ? INT64_MAX : sb_clock_ms() + timeout_ms;
    for (;;) {
        int64_t now = sb_clock_ms();
        bool last = alarm_is_due(p, now) || now >= end || p->woken || !sb_list_is_empty(&p->ready);
        int64_t until = p->alarm >= 0 && p->alarm < end ? p->alarm : end;
        int taken = take_packets(p, last                 ? 0
                                    : until == INT64_MAX ? INFINITE
                                                         : how_long(until - now));
        if (taken < 0)
            return taken;
        int count = list_ready(p, events, room);
        if (count || last || p->woken) {
            p->woken = false;
            return count;
        }
    }
}

/* --- Wake-up -------------------------------------------------------------------------------------
 */

/* A handle of its own for the completion port, so that a wake-up may outlive the poller. */
typedef struct wake_state {
    HANDLE completions;
} wake_state;

int sb_wake_open(sb_wake *w) {
    wake_state *state = calloc(1, sizeof *state);
    w->handle = state ? (intptr_t)state : SB_NO_HANDLE;
    return state ? 0 : ERROR_NOT_ENOUGH_MEMORY;
}

void sb_wake_close(sb_wake *w) {
    if (w->handle == SB_NO_HANDLE)
        return;
    wake_state *state = (wake_state *)w->handle;
    if (state->completions)
        CloseHandle(state->completions);
    free(state);
    w->handle = SB_NO_HANDLE;
}

void sb_wake_signal(const sb_wake *w) {
    const wake_state *state = (const wake_state *)w->handle;
    PostQueuedCompletionStatus(state->completions, 0, KEY_WAKE, NULL);
}

int sb_poller_attach(sb_poller *p, const sb_wake *w) {
    wake_state *state = (wake_state *)w->handle;
    HANDLE self = GetCurrentProcess();
    return DuplicateHandle(self, p->completions, self, &state->completions, 0, FALSE,
                           DUPLICATE_SAME_ACCESS)
               ? 0
               : (int)GetLastError();
}

/* --- Clock, chance, words ------------------------------------------------------------------------
 */

enum { TICKS_PER_MS = 10000 }; /* of 100 ns */

/* Stands still while the machine sleeps, as the waits of the system do. */
int64_t sb_clock_ms(void) {
    ULONGLONG ticks = 0;
    QueryUnbiasedInterruptTime(&ticks);
    return (int64_t)(ticks / TICKS_PER_MS);
}

int64_t sb_clock_unix_ms(void) {
    static const int64_t from_1601_to_1970_ms = 11644473600000;
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    uint64_t ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (int64_t)(ticks / TICKS_PER_MS) - from_1601_to_1970_ms;
}

uint64_t sb_random(void) {
    unsigned high, low;
    if (rand_s(&high) == 0 && rand_s(&low) == 0)
        return (uint64_t)high << 32 | low;
    LARGE_INTEGER counter;
    QueryPerformanceCounter(&counter);
    return (uint64_t)counter.QuadPart ^ (uint64_t)(uintptr_t)&counter;
}

/* There are no signals here. */
const char *sb_signal_name(int signal) {
    (void)signal;
    return NULL;
}

void sb_pipe_signal_hold(sb_pipe_signal *held) {
    held->held = false;
}

void sb_pipe_signal_release(sb_pipe_signal *held) {
    (void)held;
}
