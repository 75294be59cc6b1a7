/* linux_fd.c: descriptors that are close-on-exec from the start; who is at the other end; SIGPIPE.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* SIGPIPE goes to the thread that wrote, so blocking it in this thread and taking a new one off
 * before unblocking hides it from the host without touching the host's disposition. */
void sb_pipe_signal_hold(sb_pipe_signal *held) {
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
