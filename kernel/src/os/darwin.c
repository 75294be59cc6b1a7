/* darwin.c: kqueue and its filters: descriptors, the alarm (EVFILT_TIMER), the wake-up
 * (EVFILT_USER), the exit notice (EVFILT_PROC).
 *
 * A wake-up and an exit notice are kqueues of their own, which the poller watches with EVFILT_READ
 * like any other descriptor (poll(2) watches a kqueue in the same way, which hosts of a bus
 * rely on). So a wake-up can outlive the poller, a signal to it never meets a descriptor that
 * means something else by then, and a notice stays readable until it is closed, because nobody
 * takes the event out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include "posix.h"

enum { ALARM = 1, WAKE = 1 }; /* identifiers of EVFILT_TIMER and EVFILT_USER: any number */

struct sb_poller {
    int queue;
    int64_t alarm; /* what the timer is set to; -1: there is none */
};

/* Marks in kevent.udata for what is not a source. */
static char alarm_mark, wake_mark;

/* kqueue(2): "The queue is not inherited by a child created with fork(2)". posix_spawn() is not
 * named there, so it is also closed on exec. */
static int open_queue(int *queue) {
    *queue = kqueue();
    if (*queue < 0)
        return errno;
    if (fcntl(*queue, F_SETFD, FD_CLOEXEC) == 0)
        return 0;
    int error = errno;
    sb_fd_close(queue);
    return error;
}

/* Without room for events kevent() does not wait; it applies the changes in their order, up to the
 * first that fails, and returns the error of that one. */
static int apply(int queue, const struct kevent *changes, int count) {
    return kevent(queue, changes, count, NULL, 0, NULL) == 0 ? 0 : errno;
}

int sb_poller_open(sb_poller **out) {
    sb_poller *p = malloc(sizeof *p);
    if (!p)
        return ENOMEM;
    p->alarm = -1;
    int error = open_queue(&p->queue);
    if (error) {
        free(p);
        return error;
    }
    *out = p;
    return 0;
}

void sb_poller_close(sb_poller *p) {
    if (!p)
        return;
    sb_fd_close(&p->queue);
    free(p);
}

intptr_t sb_poller_handle(const sb_poller *p) {
    return p->queue;
}

/* --- Watching descriptors ------------------------------------------------------------------ */

/* How a filter stands for an interest: EV_ADD, EV_ADD | EV_CLEAR, or 0 for not at all. */
static unsigned short read_mode(unsigned interest) {
    return interest & SB_READ ? EV_ADD : 0;
}

/* EV_EOF of EVFILT_READ tells no more of a socket than that its peer sends nothing more; that of
 * EVFILT_WRITE, that the connection is gone in both directions. A source that is read learns the
 * latter by reading. For one that waits for a hang-up alone the write filter is there too, edge-
 * triggered: it fires when there is room again, which is nothing to tell, and at the end. */
static unsigned short write_mode(unsigned interest) {
    if (interest & SB_WRITE)
        return EV_ADD;
    return interest == SB_HANGUP ? EV_ADD | EV_CLEAR : 0;
}

/* Deleted and added anew when the mode changes: "Re-adding an existing event will modify the
 * parameters of the original event", but kqueue(2) does not say that EV_CLEAR is one of them. */
static int change_filter(struct kevent *changes, int count, sb_source *s, int16_t filter,
                         unsigned short before, unsigned short after) {
    if (before == after)
        return count;
    if (before)
        EV_SET(&changes[count++], s->handle, filter, EV_DELETE, 0, 0, NULL);
    if (after)
        EV_SET(&changes[count++], s->handle, filter, after, 0, 0, s);
    return count;
}

int sb_poller_watch(sb_poller *p, sb_source *s, unsigned interest) {
    if (!sb_source_is_open(s) || s->interest == interest)
        return 0;
    struct kevent changes[4];
    int count =
        change_filter(changes, 0, s, EVFILT_READ, read_mode(s->interest), read_mode(interest));
    count = change_filter(changes, count, s, EVFILT_WRITE, write_mode(s->interest),
                          write_mode(interest));
    int error = apply(p->queue, changes, count);
    if (!error)
        s->interest = (uint8_t)interest;
    return error;
}

static unsigned what_is_ready(const struct kevent *k) {
    const sb_source *s = k->udata;
    bool at_end = k->flags & EV_EOF;
    if (k->filter == EVFILT_READ)
        return at_end && !s->is_socket ? SB_READ | SB_HANGUP : SB_READ;
    if (at_end)
        return SB_READ | SB_WRITE | SB_HANGUP;
    return s->interest & SB_WRITE;
}

/* --- Waiting --------------------------------------------------------------------------------- */

/* EVFILT_TIMER counts from now, on the clock of sb_clock_us(): both stand still in sleep. It is not
 * repeated (EV_ONESHOT), so it deletes itself as it is delivered; adding it while it exists sets it
 * anew, and an expiry that was not delivered yet is forgotten. */
void sb_poller_alarm(sb_poller *p, int64_t due_ms) {
    if (due_ms < 0)
        due_ms = -1;
    if (due_ms == p->alarm)
        return;
    struct kevent change;
    if (due_ms < 0) {
        EV_SET(&change, ALARM, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
    } else {
        int64_t left = due_ms * 1000 - sb_clock_us();
        EV_SET(&change, ALARM, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_USECONDS,
               left > 0 ? (intptr_t)left : 1, &alarm_mark);
    }
    /* What did not succeed is tried again: every step sets the alarm anew. */
    p->alarm = apply(p->queue, &change, 1) == 0 ? due_ms : -1;
}

/* EVFILT_USER with EV_CLEAR: taking the event out resets it; a wake that comes after that makes a
 * new one. */
static void take_wake(int queue) {
    struct kevent taken;
    const struct timespec now = {0, 0};
    kevent(queue, NULL, 0, &taken, 1, &now);
}

int sb_poller_wait(sb_poller *p, int timeout_ms, sb_event *events, int room) {
    struct kevent ready[64];
    struct timespec limit = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    int n = kevent(p->queue, NULL, 0, ready, room < 64 ? room : 64, timeout_ms < 0 ? NULL : &limit);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (ready[i].udata == &wake_mark) {
            take_wake((int)ready[i].ident);
        } else if (ready[i].udata == &alarm_mark) {
            p->alarm = -1;
        } else if (what_is_ready(&ready[i])) {
            /* A socket that can be read and written comes as two events. */
            events[count].source = ready[i].udata;
            events[count].ready = what_is_ready(&ready[i]);
            count++;
        }
    }
    return count;
}

/* --- Wake-up and exit notice -------------------------------------------------------------------
 */

int sb_wake_open(sb_wake *w) {
    int queue;
    int error = open_queue(&queue);
    if (!error) {
        struct kevent change;
        EV_SET(&change, WAKE, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
        error = apply(queue, &change, 1);
        if (error)
            sb_fd_close(&queue);
    }
    w->handle = queue;
    return error;
}

void sb_wake_close(sb_wake *w) {
    int queue = (int)w->handle;
    sb_fd_close(&queue);
    w->handle = SB_NO_HANDLE;
}

/* Triggering again what is triggered changes nothing, and cannot fail on an event that exists. */
void sb_wake_signal(const sb_wake *w) {
    struct kevent change;
    EV_SET(&change, WAKE, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    apply((int)w->handle, &change, 1);
}

int sb_poller_attach(sb_poller *p, const sb_wake *w) {
    struct kevent change;
    EV_SET(&change, w->handle, EVFILT_READ, EV_ADD, 0, 0, &wake_mark);
    return apply(p->queue, &change, 1);
}

/* ESRCH means that the child is exiting already: then there is no notice, and it is asked for. The
 * notice comes a moment before the child can be waited for; as it stays, the next look at it
 * finds the zombie. */
int sb_exit_notice(pid_t pid) {
    int queue;
    if (open_queue(&queue) != 0)
        return -1;
    struct kevent change;
    EV_SET(&change, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (apply(queue, &change, 1) != 0)
        sb_fd_close(&queue);
    return queue;
}
