/* posix_waits.c: see waits.h. */
#include "waits.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

void sbd_waits_open(sbd_waits *w, stdio_bus_t *bus) {
    memset(w, 0, sizeof *w);
    w->bus = bus;
    for (int i = 0; i < SBD_DESCRIPTORS; i++)
        w->awaited[i].fd = -1;
}

/* What every system's poller takes, and reports the end of. kqueue does not tell of the end of a
 * regular file and epoll does not take one; terminals and devices are as different. */
static bool suits_poller(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

void sbd_waits_set(sbd_waits *w, int which, int fd, unsigned interest) {
    struct sbd_awaited *a = &w->awaited[which];
    if (a->fd < 0 && fd >= 0) {
        a->fd = fd;
        a->refused = !suits_poller(fd);
        sb_guest_init(&a->guest, fd);
    }
    a->interest = interest;
}

unsigned sbd_waits_ready(const sbd_waits *w, int which) {
    return w->awaited[which].guest.ready;
}

/* Hands the descriptors to the bus's poller; whether it takes every one that is waited for. */
static bool watch_all(sbd_waits *w) {
    bool all = true;
    for (int i = 0; i < SBD_DESCRIPTORS; i++) {
        struct sbd_awaited *a = &w->awaited[i];
        if (a->fd < 0)
            continue;
        if (!a->refused)
            a->refused = sb_guest_watch(w->bus, &a->guest, a->interest) != 0;
        all = all && !(a->refused && a->interest);
    }
    return all;
}

static unsigned found(short events) {
    return (events & (POLLIN | POLLHUP | POLLERR | POLLNVAL) ? SB_READ : 0u) |
           (events & (POLLOUT | POLLERR | POLLNVAL) ? SB_WRITE : 0u) |
           (events & (POLLHUP | POLLERR | POLLNVAL) ? SB_HANGUP : 0u);
}

/* Polls the bus and what its poller does not watch. 0, or the system error. */
static int poll_rest(sbd_waits *w, bool bus_runs, int timeout_ms) {
    struct pollfd fds[SBD_DESCRIPTORS + 1];
    for (int i = 0; i < SBD_DESCRIPTORS; i++) {
        const struct sbd_awaited *a = &w->awaited[i];
        bool asked = a->interest && (a->refused || !bus_runs);
        short events =
            (short)((a->interest & SB_READ ? POLLIN : 0) | (a->interest & SB_WRITE ? POLLOUT : 0));
        fds[i] = (struct pollfd){.fd = asked ? a->fd : -1, .events = events};
    }
    fds[SBD_DESCRIPTORS] =
        (struct pollfd){.fd = bus_runs ? stdio_bus_get_poll_fd(w->bus) : -1, .events = POLLIN};
    int n = poll(fds, SBD_DESCRIPTORS + 1, timeout_ms);
    if (n < 0)
        return errno == EINTR ? 0 : errno;
    for (int i = 0; i < SBD_DESCRIPTORS; i++)
        w->awaited[i].guest.ready |= found(fds[i].revents);
    return 0;
}

sbd_wait_result sbd_wait(sbd_waits *w, int timeout_ms, int *code) {
    bool bus_runs = stdio_bus_get_state(w->bus) != STDIO_BUS_STATE_STOPPED;
    for (int i = 0; i < SBD_DESCRIPTORS; i++)
        w->awaited[i].guest.ready = 0;
    bool at_one_place = bus_runs && watch_all(w);
    if (!at_one_place && (*code = poll_rest(w, bus_runs, bus_runs ? -1 : timeout_ms)) != 0)
        return SBD_WAIT_SYSTEM;
    if (!bus_runs)
        return SBD_WAIT_OK;
    *code = stdio_bus_step(w->bus, at_one_place ? -1 : 0);
    return *code < 0 && *code != STDIO_BUS_ERR_STATE ? SBD_WAIT_BUS : SBD_WAIT_OK;
}
