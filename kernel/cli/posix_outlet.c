/* posix_outlet.c: descriptors that may be shared with other processes. */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK belongs to the open description, which a terminal or a pipe's other users share:
 * setting it there would break them. Opening the same object anew gives a description of our
 * own, where the system offers that. */
static int open_own(int fd) {
#ifdef __linux__
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
#else
    (void)fd;
    return -1;
#endif
}

void sbd_outlet_open(sbd_outlet *o, int fd) {
    struct stat st;
    memset(o, 0, sizeof *o);
    o->fd = fd;
    o->kind = SBD_OUTLET_SHARED;
    if (fstat(fd, &st) != 0) {
        o->error = errno;
    } else if (S_ISREG(st.st_mode)) {
        o->kind = SBD_OUTLET_FILE;
    } else if (S_ISSOCK(st.st_mode)) {
        o->kind = SBD_OUTLET_SOCKET;
    } else {
        int own = open_own(fd);
        if (own >= 0) {
            o->fd = own;
            o->kind = SBD_OUTLET_OWN;
        }
    }
}

void sbd_outlet_close(sbd_outlet *o) {
    if (o->kind == SBD_OUTLET_OWN)
        close(o->fd);
    free(o->buf);
    memset(o, 0, sizeof *o);
    o->fd = -1;
}

static ssize_t write_some(sbd_outlet *o, const char *bytes, size_t len) {
    if (o->kind == SBD_OUTLET_SOCKET)
        return send(o->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (o->kind == SBD_OUTLET_SHARED) {
        struct pollfd ready = {.fd = o->fd, .events = POLLOUT};
        if (poll(&ready, 1, 0) <= 0) {
            errno = EAGAIN;
            return -1;
        }
        if (len > PIPE_BUF)
            len = PIPE_BUF;
    }
    return write(o->fd, bytes, len);
}

void sbd_outlet_flush(sbd_outlet *o) {
    while (!o->error && sbd_outlet_waiting(o) > 0) {
        ssize_t n = write_some(o, o->buf + o->start, sbd_outlet_waiting(o));
        if (n > 0)
            sbd_outlet_consume(o, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        else if (n < 0 && errno != EINTR)
            o->error = errno;
    }
}

void sbd_outlet_finish(sbd_outlet *o) {
    sbd_outlet_flush(o);
}
