/* linux_fd.c: descriptors that are close-on-exec from the start; who is at the other end; SIGPIPE.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "posix.h"

int sb_fd_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
}

int sb_fd_socket(int family, int *fd) {
    *fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *fd < 0 ? errno : 0;
}

int sb_fd_accept(int listener, struct sockaddr *address, socklen_t *len) {
    return accept4(listener, address, len, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

bool sb_fd_peer(int fd, uid_t *user, pid_t *pid) {
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    *user = who.uid;
    *pid = who.pid;
    return true;
}

int sb_fd_without_signal(int fd) {
    (void)fd; /* no such property here: see below */
    return 0;
}

/* Since Linux 6.18 a write can say that it wants no SIGPIPE, which spares the calls below: they
 * cost as much as a small write does. The first write of the process finds out; an older system
 * refuses the flag, and so does a sandbox that does not know the call. */
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

enum { UNTRIED, KNOWN, UNKNOWN };
static atomic_int no_signal_flag = UNTRIED;

#ifdef SYS_pwritev2
static ssize_t write_without_signal(int fd, const void *buf, size_t len) {
    const struct iovec all = {.iov_base = (void *)buf, .iov_len = len};
    const long here = -1; /* both halves of the offset: the file's own */
    return syscall(SYS_pwritev2, fd, &all, 1L, here, here, RWF_NOSIGNAL);
}
#else
static ssize_t write_without_signal(int fd, const void *buf, size_t len) {
    (void)fd, (void)buf, (void)len;
    errno = ENOSYS;
    return -1;
}
#endif

/* What is neither pipe nor socket may refuse the flag on any system; it raises no signal either. */
ssize_t sb_fd_write(int fd, const void *buf, size_t len) {
    int flag = atomic_load_explicit(&no_signal_flag, memory_order_relaxed);
    if (flag == UNKNOWN)
        return write(fd, buf, len);
    ssize_t n = write_without_signal(fd, buf, len);
    bool refused = n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM);
    if (flag == UNTRIED)
        atomic_store_explicit(&no_signal_flag, refused ? UNKNOWN : KNOWN, memory_order_relaxed);
    return refused ? write(fd, buf, len) : n;
}

/* SIGPIPE goes to the thread that wrote, so blocking it in this thread and taking a new one off
 * before unblocking hides it from the host without touching the host's disposition. */
void sb_pipe_signal_hold(sb_pipe_signal *held) {
    held->held = false;
    if (atomic_load_explicit(&no_signal_flag, memory_order_relaxed) == KNOWN)
        return;
    struct sigaction now;
    _Static_assert(sizeof(sigset_t) <= sizeof held->saved, "room for a signal set");
    held->held = sigaction(SIGPIPE, NULL, &now) != 0 || now.sa_handler != SIG_IGN;
    if (!held->held)
        return;
    sigset_t pipe_only, pending;
    sigpending(&pending);
    held->was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, (sigset_t *)(void *)held->saved);
}

void sb_pipe_signal_release(sb_pipe_signal *held) {
    if (!held->held)
        return;
    sigset_t pending;
    sigpending(&pending);
    if (!held->was_pending && sigismember(&pending, SIGPIPE) == 1) {
        sigset_t pipe_only;
        int taken;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        sigwait(&pipe_only, &taken);
    }
    pthread_sigmask(SIG_SETMASK, (const sigset_t *)(const void *)held->saved, NULL);
}
