/* outlet.c: see outlet.h. */
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

enum { KEPT_WHEN_EMPTY = 256 * 1024 };

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

bool sbd_outlet_put(sbd_outlet *o, const char *bytes, size_t len) {
    if (o->error)
        return false;
    if (o->cap - o->end < len && o->start > 0) {
        size_t waiting = sbd_outlet_waiting(o);
        /* Moving pays only when it frees much; otherwise the buffer grows. */
        if (waiting <= o->cap / 2) {
            memmove(o->buf, o->buf + o->start, waiting);
            o->start = 0;
            o->end = waiting;
        }
    }
    if (o->cap - o->end < len) {
        size_t cap = o->cap ? o->cap : 4096;
        while (cap - o->end < len)
            cap *= 2;
        char *buf = realloc(o->buf, cap);
        if (!buf)
            return false;
        o->buf = buf;
        o->cap = cap;
    }
    memcpy(o->buf + o->end, bytes, len);
    o->end += len;
    return true;
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
    while (!o->error && o->start < o->end) {
        ssize_t n = write_some(o, o->buf + o->start, o->end - o->start);
        if (n > 0)
            o->start += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        else if (n < 0 && errno != EINTR)
            o->error = errno;
    }
    if (o->start == o->end) {
        o->start = o->end = 0;
        if (o->cap > KEPT_WHEN_EMPTY) {
            free(o->buf);
            o->buf = NULL;
            o->cap = 0;
        }
    }
}
