/* linux.c: epoll, the alarm (timerfd), the wake-up (eventfd), the exit notice (pidfd). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "posix.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

struct sb_poller {
    int epoll;
    int timer;
    int64_t alarm; /* what the timer is set to; -1: disarmed */
};

/* Marks in epoll_event.data for what is not a source. */
static char alarm_mark, wake_mark;

static int add_mark(int epoll, int fd, void *mark, uint32_t mode) {
    struct epoll_event event = {.events = EPOLLIN | mode, .data.ptr = mark};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int sb_poller_open(sb_poller **out) {
    sb_poller *p = malloc(sizeof *p);
    if (!p)
        return ENOMEM;
    p->alarm = -1;
    p->timer = -1;
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    int error = p->epoll < 0 ? errno : 0;
    if (!error) {
        p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        error = p->timer < 0 ? errno : 0;
    }
    if (!error)
        error = add_mark(p->epoll, p->timer, &alarm_mark, 0);
    if (error) {
        sb_poller_close(p);
        return error;
    }
    *out = p;
    return 0;
}

void sb_poller_close(sb_poller *p) {
    if (!p)
        return;
    sb_fd_close(&p->timer);
    sb_fd_close(&p->epoll);
    free(p);
}

intptr_t sb_poller_handle(const sb_poller *p) {
    return p->epoll;
}

int sb_poller_watch(sb_poller *p, sb_source *s, unsigned interest) {
    if (!sb_source_is_open(s) || s->interest == interest)
        return 0;
    struct epoll_event event = {.data.ptr = s}; /* hang-ups are always reported */
    if (interest & SB_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (interest & SB_WRITE)
        event.events |= EPOLLOUT;
    int op = interest == 0 ? EPOLL_CTL_DEL : s->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(p->epoll, op, sb_fd(s), &event) != 0)
        return errno;
    s->interest = (uint8_t)interest;
    return 0;
}

void sb_poller_alarm(sb_poller *p, int64_t due_ms) {
    if (due_ms < 0)
        due_ms = -1;
    if (due_ms == p->alarm)
        return;
    p->alarm = due_ms;
    struct itimerspec when = {0};
    if (due_ms >= 0) {
        when.it_value.tv_sec = (time_t)(due_ms / 1000); /* of the monotonic clock: small */
        when.it_value.tv_nsec = (long)(due_ms % 1000 * 1000000);
        if (due_ms == 0)
            when.it_value.tv_nsec = 1; /* zero would disarm it */
    }
    timerfd_settime(p->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

int sb_poller_wait(sb_poller *p, int timeout_ms, sb_event *events, int room) {
    struct epoll_event ready[64];
    if (room > 64)
        room = 64;
    int n = epoll_wait(p->epoll, ready, room, timeout_ms);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    int count = 0;
    for (int i = 0; i < n; i++) {
        uint32_t bits = ready[i].events;
        if (ready[i].data.ptr == &wake_mark)
            continue; /* edge-triggered: nothing to read */
        if (ready[i].data.ptr == &alarm_mark) {
            sb_poller_alarm(p, -1); /* setting a timer also clears that it expired */
            continue;
        }
        events[count].source = ready[i].data.ptr;
        events[count].ready = 0;
        if (bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            events[count].ready |= SB_READ;
        if (bits & (EPOLLOUT | EPOLLERR))
            events[count].ready |= SB_WRITE;
        if (bits & (EPOLLHUP | EPOLLERR))
            events[count].ready |= SB_HANGUP;
        count++;
    }
    return count;
}

int sb_wake_open(sb_wake *w) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->handle = fd;
    return fd < 0 ? errno : 0;
}

void sb_wake_close(sb_wake *w) {
    int fd = (int)w->handle;
    sb_fd_close(&fd);
    w->handle = SB_NO_HANDLE;
}

void sb_wake_signal(const sb_wake *w) {
    uint64_t one = 1;
    ssize_t n;
    do
        n = write((int)w->handle, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        /* The counter is full after 2^64 wakes that nobody read: emptying it and writing anew
         * makes the edge that the poller waits for. */
        uint64_t all;
        n = read((int)w->handle, &all, sizeof all);
        n = write((int)w->handle, &one, sizeof one);
    }
}

int sb_poller_attach(sb_poller *p, const sb_wake *w) {
    return add_mark(p->epoll, (int)w->handle, &wake_mark, EPOLLET);
}

int sb_exit_notice(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0u);
}
