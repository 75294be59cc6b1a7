/* posix.c: reading and writing, clock, chance, words. */
#define _GNU_SOURCE
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- Descriptors ---------------------------------------------------------------------- */

void sb_fd_close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int sb_fd_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    return 0;
}

static int lift(int *fd) {
    if (*fd > 2)
        return 0;
    int above = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (above < 0)
        return errno;
    close(*fd);
    *fd = above;
    return 0;
}

int sb_pipe_open(int ends[2]) {
    ends[0] = ends[1] = -1;
    int error = sb_fd_pipe(ends);
    for (int i = 0; i < 2 && !error; i++)
        error = lift(&ends[i]);
    if (error) {
        sb_fd_close(&ends[0]);
        sb_fd_close(&ends[1]);
    }
    return error;
}

int sb_null_open(int *fd) {
    *fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int error = *fd < 0 ? errno : lift(fd);
    if (error)
        sb_fd_close(fd);
    return error;
}

ptrdiff_t sb_source_read(sb_source *s, void *buf, size_t len) {
    for (;;) {
        ssize_t n = read(sb_fd(s), buf, len);
        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return SB_IO_AGAIN;
        s->error = errno;
        return SB_IO_FAILED;
    }
}

ptrdiff_t sb_source_write(sb_source *s, const void *buf, size_t len) {
    for (;;) {
        ssize_t n =
            s->is_socket ? send(sb_fd(s), buf, len, MSG_NOSIGNAL) : sb_fd_write(sb_fd(s), buf, len);
        if (n > 0)
            return n;
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK)
            return SB_IO_AGAIN;
        s->error = errno;
        return SB_IO_FAILED;
    }
}

void sb_source_close(sb_poller *p, sb_source *s) {
    if (!sb_source_is_open(s))
        return;
    sb_poller_watch(p, s, 0);
    close(sb_fd(s));
    s->handle = SB_NO_HANDLE;
}

/* Fails only when the peer is gone, which the next read tells. */
void sb_source_end_output(const sb_source *s) {
    shutdown(sb_fd(s), SHUT_WR);
}

int sb_source_adopt(intptr_t handle, sb_source *s) {
    int fd = (int)handle;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    /* Always ready for epoll, which refuses it, and at its end never ready for kqueue. */
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return EPERM;
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        return errno;
    int error = sb_fd_nonblocking(fd);
    if (!error)
        error = sb_fd_without_signal(fd);
    if (error)
        return error;
    *s = SB_SOURCE_CLOSED;
    s->handle = fd;
    s->is_socket = S_ISSOCK(st.st_mode);
    return 0;
}

int sb_source_duplicate(const sb_source *s, sb_source *copy) {
    int fd = fcntl(sb_fd(s), F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return errno;
    *copy = SB_SOURCE_CLOSED;
    copy->handle = fd;
    copy->is_socket = s->is_socket;
    return 0;
}

/* --- Clock, chance, words --------------------------------------------------------------- */

/* A clock that does not run while the machine sleeps, so that nobody's time is up when it wakes,
 * and the one that the poller's alarm runs on. That is CLOCK_MONOTONIC on Linux; on macOS that
 * one runs on in sleep. */
#ifdef __APPLE__
#define MONOTONIC CLOCK_UPTIME_RAW
#else
#define MONOTONIC CLOCK_MONOTONIC
#endif

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sb_clock_us(void) {
    return read_clock(MONOTONIC);
}
int64_t sb_clock_ms(void) {
    return sb_clock_us() / 1000;
}
int64_t sb_clock_unix_ms(void) {
    return read_clock(CLOCK_REALTIME) / 1000;
}

uint64_t sb_random(void) {
    uint64_t value;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, &value, sizeof value) : -1;
    if (fd >= 0)
        close(fd);
    if (n == (ssize_t)sizeof value)
        return value;
    /* No device node (a bare chroot): the address layout and the clock are what is left. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)(uintptr_t)&now ^ (uint64_t)getpid();
}

const char *sb_os_error_text(int error, char *buf, size_t len) {
    /* GNU's strerror_r returns the text and may leave buf alone; XSI's returns 0. */
#if defined(__GLIBC__)
    const char *text = strerror_r(error, buf, len);
    if (text != buf)
        snprintf(buf, len, "%s", text);
#else
    if (strerror_r(error, buf, len) != 0)
        snprintf(buf, len, "error %d", error);
#endif
    return buf;
}
